/** The syntax of formulas, checked before anybody is asked. The server has the last word. */

const FUNCTIONS = ['abs', 'sqrt', 'log', 'log10', 'exp', 'sin', 'cos', 'tan', 'arcsin', 'arccos', 'arctan', 'arctan2', 'where', 'minimum', 'maximum', 'min', 'max', 'clip', 'floor', 'ceil'];
const TOKEN = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_]\w*)|(\*\*|[<>=!]=|[-+*/%<>&|(),;~^]))/y;

/** @typedef {{key: string, values: Record<string, string>}} Wrong */

/**
 * @param {string} text
 * @param {string[]} names of bands
 * @return {Wrong | null} what is wrong, as a sentence's key
 */
export function checkFormula(text, names) {
  if (!text.trim()) return { key: 'formula.empty', values: {} };
  let depth = 0;
  /** Whether a value is due, after an operator or at the beginning. */
  let due = true;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) return { key: 'formula.character', values: { text: text.slice(from).trim().slice(0, 12) } };
    const [, number, name, sign] = match;
    if (number !== undefined || name !== undefined) {
      if (!due) return { key: 'formula.operator', values: { text: number ?? name } };
      const isCall = /^\s*\(/.test(text.slice(TOKEN.lastIndex));
      if (name !== undefined && (isCall ? !FUNCTIONS.includes(name) : !names.includes(name))) return { key: isCall ? 'formula.function' : 'formula.band', values: { text: name, names: (isCall ? FUNCTIONS : names).slice(0, 14).join(', ') } };
      due = isCall;
    } else if (sign === '(') {
      if (!due) return { key: 'formula.operator', values: { text: '(' } };
      depth++;
    } else if (sign === ')') {
      if (due || --depth < 0) return { key: 'formula.bracket', values: {} };
    } else if (due && !['-', '+', '~'].includes(sign)) return { key: 'formula.value', values: { text: sign } };
    else due = true;
  }
  if (depth) return { key: 'formula.bracket', values: {} };
  return due ? { key: 'formula.end', values: {} } : null;
}
