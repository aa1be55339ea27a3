/** A compile-time label on a primitive, so that a TaskId cannot be passed where a Digest is wanted. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }
