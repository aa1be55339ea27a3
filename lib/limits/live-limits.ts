/** Limits that can be changed while the program runs, by the names of their settings. */
export interface LiveLimits<Values extends object> {
  /** Those in force. */
  values(): Values
  /** Changes those that are given. They must fit the schema of the settings. */
  change(values: Partial<Values>): void
}
