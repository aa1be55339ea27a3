/** How the two that are not peers are called on links. */
export const SUPERNODE = 'supernode'
export const ORIGIN = 'origin'
