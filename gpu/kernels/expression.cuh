// Band maths in float64: the functions that emitted text calls, and an interpreter of postfix code.
// A new expression runs interpreted at once, while its own kernel is compiled off the request path.
#pragma once
#include "types.cuh"

constexpr int MAX_STACK = 64;  // gpu.expression.MAX_STACK

DEVICE double square(double x) { return x * x; }
DEVICE double cube(double x) { return x * x * x; }
DEVICE double fourth(double x) { return (x * x) * (x * x); }
// As NumPy's minimum and maximum: NaN wins.
DEVICE double minimum(double a, double b) { return a != a || a < b ? a : b; }
DEVICE double maximum(double a, double b) { return a != a || a > b ? a : b; }
DEVICE double clip(double x, double low, double high) { return minimum(maximum(x, low), high); }
DEVICE double where(double test, double yes, double no) { return test != 0.0 ? yes : no; }
DEVICE double both(double a, double b) { return a != 0.0 && b != 0.0 ? 1.0 : 0.0; }
DEVICE double either(double a, double b) { return a != 0.0 || b != 0.0 ? 1.0 : 0.0; }
DEVICE double none(double a) { return a == 0.0 ? 1.0 : 0.0; }

// Value of the program [begin, end) for the variables b.
DEVICE_CALL double interpret(const Instruction* begin, const Instruction* end, const double* b) {
  double stack[MAX_STACK];
  int top = -1;
  for (const Instruction* step = begin; step < end; step++) {
    if (step->code < 2) {  // number, band
      stack[++top] = step->code == 0 ? step->operand : b[(int)step->operand];
      continue;
    }
    double z = stack[top];  // the last argument; x and y are those before it
    double y = top > 0 ? stack[top - 1] : 0.0;
    double x = top > 1 ? stack[top - 2] : 0.0;
    int arguments = 2;
    switch (step->code) {
      case 2: z = -z; arguments = 1; break;
      case 3: z = y + z; break;
      case 4: z = y - z; break;
      case 5: z = y * z; break;
      case 6: z = y / z; break;
      case 7: z = pow(y, z); break;
      case 8: z = square(z); arguments = 1; break;
      case 9: z = cube(z); arguments = 1; break;
      case 10: z = fourth(z); arguments = 1; break;
      case 11: z = y < z ? 1.0 : 0.0; break;
      case 12: z = y <= z ? 1.0 : 0.0; break;
      case 13: z = y > z ? 1.0 : 0.0; break;
      case 14: z = y >= z ? 1.0 : 0.0; break;
      case 15: z = y == z ? 1.0 : 0.0; break;
      case 16: z = y != z ? 1.0 : 0.0; break;
      case 17: z = both(y, z); break;
      case 18: z = either(y, z); break;
      case 19: z = none(z); arguments = 1; break;
      case 20: z = sqrt(z); arguments = 1; break;
      case 21: z = fabs(z); arguments = 1; break;
      case 22: z = log(z); arguments = 1; break;
      case 23: z = log10(z); arguments = 1; break;
      case 24: z = exp(z); arguments = 1; break;
      case 25: z = sin(z); arguments = 1; break;
      case 26: z = cos(z); arguments = 1; break;
      case 27: z = tan(z); arguments = 1; break;
      case 28: z = atan(z); arguments = 1; break;
      case 29: z = minimum(y, z); break;
      case 30: z = maximum(y, z); break;
      case 31: z = clip(x, y, z); arguments = 3; break;
      case 32: z = where(x, y, z); arguments = 3; break;
    }
    top -= arguments - 1;
    stack[top] = z;
  }
  return top == 0 ? stack[0] : 0.0;
}
