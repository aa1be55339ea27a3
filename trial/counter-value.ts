/**
 * The value of a counter without labels on a page of metrics.
 * @param page in the text form that Prometheus reads
 * @returns 0 when the page does not have it
 */
export function counterValue(page: string, name: string): number {
  const line = page.split('\n').find(text => text.startsWith(`${name} `))
  return line === undefined ? 0 : Number(line.slice(name.length))
}
