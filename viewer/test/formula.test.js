import { describe, expect, test } from 'vitest';
import { checkFormula } from '../src/formula.js';

const BANDS = ['B04', 'B08', 'data_b1'];

test.each(['(B08-B04)/(B08+B04)', 'B08*2.5', '-B04', 'sqrt(B08**2 + 1e-3)', 'where(B08>0.3,B08,B04)', '((B04))', 'data_b1;B04;B08'])('%s is fine', (text) => {
  expect(checkFormula(text, BANDS)).toBeNull();
});

describe('says what is wrong', () => {
  test.each([
    ['', 'formula.empty'],
    ['B8A+B04', 'formula.band'],
    ['__import__("os")', 'formula.function'],
    ['open(B04)', 'formula.function'],
    ['B08 B04', 'formula.operator'],
    ['(B08-B04', 'formula.bracket'],
    ['B08)', 'formula.bracket'],
    ['B08-', 'formula.end'],
    ['*B08', 'formula.value'],
    ['B08 $ B04', 'formula.character'],
    ['B08.real', 'formula.character'],
    ['()', 'formula.bracket'],
  ])('%s', (text, key) => expect(checkFormula(text, BANDS)?.key).toBe(key));
});
