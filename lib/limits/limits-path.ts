/** Where a program shows its limits, and has them changed. */
export const LIMITS_PATH = '/api/v1/limits'
