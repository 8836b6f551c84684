/** Four short steps, each beside what it speaks of; left at any time. */
import { html, nothing, render } from 'lit-html';
import { icon } from '../parts/icons.js';
import { t } from '../words/index.js';

/** @import {Store} from '../types' */

const STEPS = [
  { target: 'layers', key: 'tour.layers', side: 'right' },
  { target: 'time', key: 'tour.time', side: 'above' },
  { target: 'tools', key: 'tour.tools', side: 'below' },
  { target: 'search', key: 'tour.search', side: 'below' },
];

/** @param {Store} store */
export function startTour(store) {
  const box = document.createElement('div');
  document.body.append(box);
  let step = 0;
  store.set({ layers: true, open: '' });

  const end = () => {
    document.querySelector('.toured')?.classList.remove('toured');
    document.removeEventListener('keydown', onKey, true);
    stop();
    render(nothing, box);
    box.remove();
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    end();
  };

  function draw() {
    const { target, key, side } = STEPS[step];
    document.querySelector('.toured')?.classList.remove('toured');
    const around = document.getElementById(target);
    around?.classList.add('toured');
    const last = step === STEPS.length - 1;
    render(
      html`<div class="card tour" role="dialog" aria-label=${t('tour')} aria-describedby="tour-text">
        <small>${t('tour.step', { n: step + 1, of: STEPS.length })}</small>
        <p id="tour-text">${t(key)}</p>
        <div class="row">
          <button class="action main" @click=${() => { if (last) end(); else { step++; draw(); } }}>${t(last ? 'tour.done' : 'tour.next')}</button>
          ${last ? nothing : html`<button class="quiet" @click=${end}>${t('tour.skip')}</button>`}
          <span class="grow"></span>
          <button class="bare" aria-label=${t('close')} @click=${end}>${icon('close')}</button>
        </div>
      </div>`,
      box,
    );
    const card = /** @type {HTMLElement} */ (box.firstElementChild);
    const at = around?.getBoundingClientRect();
    if (at && at.width) {
      const left = side === 'right' ? at.right + 14 : at.left + at.width / 2 - card.offsetWidth / 2;
      const top = side === 'above' ? at.top - card.offsetHeight - 14 : side === 'below' ? at.bottom + 14 : at.top + 20;
      card.style.left = `${Math.max(12, Math.min(left, innerWidth - card.offsetWidth - 12))}px`;
      card.style.top = `${Math.max(12, Math.min(top, innerHeight - card.offsetHeight - 12))}px`;
    }
    /** @type {HTMLElement | null} */ (card.querySelector('.action'))?.focus();
  }
  document.addEventListener('keydown', onKey, true);
  const stop = store.watch((state) => state.words, () => requestAnimationFrame(draw));
}
