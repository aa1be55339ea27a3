/**
 * Content up to this length can come with the answer to a registration: it is here before a swarm could form, and costs neither
 * blocks nor streams. In bytes; with more, the answers of a busy supernode would wait for each other.
 */
export const SMALL_CONTENT_BYTES = 64 * 1024
