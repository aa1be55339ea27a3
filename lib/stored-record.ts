/** What says whether a value has a form, as a compiled schema does. */
export interface RecordForm<Value> {
  Check(value: unknown): value is Value
}

/**
 * Reads a JSON record as it lies on the disk, where anything may have become of it.
 * @returns undefined for what is no JSON, or has another form
 */
export function readRecord<Value>(form: RecordForm<Value>, stored: Uint8Array | undefined): Value | undefined {
  if (stored === undefined) return undefined
  try {
    const { buffer, byteOffset, byteLength } = stored
    const value: unknown = JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString())
    return form.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}
