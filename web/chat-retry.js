/*
 * What a request failed with, and when to try it again.
 */

const BACKOFF_BASE = 500;           /* ms */

export const BACKOFF_MAX = 30000;

/* codes of the server, and "offline", which is ours */
const RETRYABLE = new Set(['unavailable', 'timeout', 'rate_limited',
                           'offline']);

/* after these the request may have taken effect all the same */
const UNSURE = new Set(['unavailable', 'timeout', 'offline']);


export class ChatError extends Error {

    constructor(code, message, retryAfter) {
        super(message);
        this.name = 'ChatError';
        this.code = code;
        this.retryAfter = retryAfter;       /* seconds, or undefined */
    }

    get retryable() {
        return RETRYABLE.has(this.code);
    }

    get unsure() {
        return UNSURE.has(this.code);
    }
}


export function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}


/* full jitter: many clients that lost one server come back spread out */

export function backoff(attempt) {
    return Math.random() * Math.min(BACKOFF_MAX, BACKOFF_BASE * 2 ** attempt);
}


export function retryDelay(error, attempt) {
    return (error.retryAfter ?? 0) * 1000 + backoff(attempt);
}
