import { noChange } from 'lit-html';
import { Directive, directive, PartType } from 'lit-html/directive.js';

/** @import {ElementPart, PartInfo} from 'lit-html/directive.js' */

/** Sets CSS properties of an element by script: a style attribute would need an open Content-Security-Policy. */
class Vars extends Directive {
  /** @param {PartInfo} part */
  constructor(part) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error(`Expected vars() on an element, got part type ${part.type}.`);
  }

  /** @param {Record<string, string>} _values */
  render(_values) {
    return noChange;
  }

  /** @param {ElementPart} part @param {[Record<string, string>]} values */
  update(part, [values]) {
    const { style } = /** @type {HTMLElement} */ (part.element);
    for (const [name, value] of Object.entries(values)) style.setProperty(name, value);
    return noChange;
  }
}

export const vars = directive(Vars);
