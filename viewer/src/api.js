/** Asking the server. Answers are JSON; failures are `ApiError` with the server's own sentence. */

/** The folder that the viewer is served from; everything else lies beside it. */
export const BASE = new URL('.', globalThis.document?.baseURI ?? 'http://localhost/').href;

export class ApiError extends Error {
  /** @param {number} status 0 when there was no answer at all @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** @param {unknown} error @return {boolean} whether it only says that we did not want the answer any more */
export function isAbort(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}

/**
 * @param {string} path relative to the viewer, or an address
 * @param {RequestInit} [options]
 * @return {Promise<Response>} with a status of 2xx
 */
export async function request(path, options) {
  let response;
  try {
    response = await fetch(new URL(path, BASE), options);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, '');
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new ApiError(response.status, typeof body?.detail === 'string' ? body.detail : '');
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @return {Promise<any>}
 */
export async function getJson(path, options) {
  const response = await request(path, { ...options, headers: { Accept: 'application/json', ...options?.headers } });
  return response.json();
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {RequestInit} [options]
 * @return {Promise<Response>}
 */
export function post(path, body, options) {
  return request(path, { ...options, method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}
