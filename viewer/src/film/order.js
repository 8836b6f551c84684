/** Ordering a film from the server, and waiting for it. */
import { getJson, post, request } from '../api.js';
import { mixParameters } from '../link.js';

/** @import {Picture, Bbox} from '../types' */

/** A job as the server tells it. @typedef {{id: string, status: 'accepted' | 'running' | 'successful' | 'failed' | 'dismissed', progress: number, message: string, href?: string}} Job */

const ASK_MS = 700;

/**
 * @param {Picture} picture
 * @param {{bbox: Bbox, dates: string[], width: number, fps: number, format: string, lang: string}} film
 * @param {(job: Job) => void} onProgress
 * @param {AbortSignal} signal cancels the job on the server, too
 * @return {Promise<string>} the finished film's address
 */
export async function orderFilm({ collection, style, mix }, film, onProgress, signal) {
  const response = await post('timelapses', { collection, style, ...film, ...(style === 'custom' && mix ? mixParameters(mix) : {}) }, { signal });
  /** @type {Job} */
  let job = await response.json();
  const address = `jobs/${encodeURIComponent(job.id)}`;
  const cancel = () => request(address, { method: 'DELETE' }).catch(() => {});
  signal.addEventListener('abort', cancel, { once: true });
  while (job.status === 'accepted' || job.status === 'running') {
    onProgress(job);
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    signal.throwIfAborted();
    job = await getJson(address, { signal });
  }
  signal.removeEventListener('abort', cancel);
  if (job.status !== 'successful' || !job.href) throw new Error(job.message);
  return job.href;
}
