/** Ordering a film from the server, and waiting for it. */
import { getJson, post, request } from '../api.js';

/** @import {Picture, Bbox} from '../types' */

/** @typedef {{id: string, status: string, progress: number, href: string, detail: string}} Job */

const ASK_MS = 700;

/**
 * @param {Picture} picture
 * @param {{bbox: Bbox, dates: string[], width: number, fps: number, format: string, caption: string}} film
 * @param {(job: Job) => void} onProgress
 * @param {AbortSignal} signal cancels the job on the server, too
 * @return {Promise<Job>} finished
 */
export async function orderFilm({ collection, style }, film, onProgress, signal) {
  const response = await post('timelapses', { collection, style, ...film }, { signal });
  let job = readJob(await response.json());
  const cancel = () => request(`jobs/${encodeURIComponent(job.id)}`, { method: 'DELETE' }).catch(() => {});
  signal.addEventListener('abort', cancel, { once: true });
  while (!['done', 'failed', 'cancelled'].includes(job.status)) {
    signal.throwIfAborted();
    onProgress(job);
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    signal.throwIfAborted();
    job = readJob(await getJson(`jobs/${encodeURIComponent(job.id)}`, { signal }));
  }
  signal.removeEventListener('abort', cancel);
  if (job.status !== 'done') throw new Error(job.detail || job.status);
  return job;
}

/** @param {any} body @return {Job} */
function readJob(body) {
  const words = /** @type {Record<string, string>} */ ({ successful: 'done', finished: 'done', succeeded: 'done', dismissed: 'cancelled', error: 'failed' });
  const link = body.links?.find((/** @type {any} */ one) => one.rel === 'results' || one.rel === 'result' || /timelapses\//.test(one.href))?.href;
  return { id: String(body.id ?? body.jobID), status: words[body.status] ?? String(body.status), progress: Number(body.progress) || 0, href: String(body.href ?? body.result ?? link ?? ''), detail: String(body.detail ?? body.message ?? '') };
}
