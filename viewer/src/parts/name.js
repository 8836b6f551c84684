/** What pictures are called, in words. */
import { dayOf, inLanguage, renderOf } from '../state.js';
import { dateText } from '../words/format.js';
import { language, t } from '../words/index.js';

/** @import {State, Picture, Render} from '../types' */

/** @param {Render | undefined} render @param {string} id @return {{title: string, expert: string}} plain words and the expert's */
export function styleWords(render, id) {
  if (id === 'custom') return { title: t('mix.title'), expert: '' };
  const titles = render?.['tilescope:titles'];
  return titles ? { title: inLanguage(titles, language(), id), expert: render?.['tilescope:expert'] ?? '' } : { title: render?.title ?? id, expert: '' };
}

/** @param {State} state @param {Picture} one @return {string} "Plant health · 13 Aug 2023" */
export function nameOf(state, one) {
  const { title } = styleWords(renderOf(state, one), one.style);
  const date = dayOf(state, one)?.date ?? one.time;
  return date ? `${title} · ${dateText(date, 'short').replace(/ /g, '\u00a0')}` : title;
}
