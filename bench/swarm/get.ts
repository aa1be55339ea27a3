/*
 * Prints what URLs answer, a JSON array of texts: node get.ts URL… It runs where the URLs are reached, inside a machine of the
 * test network.
 */
import { request } from 'undici'

const texts = await Promise.all(process.argv.slice(2).map(get))
process.stdout.write(JSON.stringify(texts))

async function get(url: string): Promise<string> {
  const { statusCode, body } = await request(url)
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`${url} answered with status ${statusCode}: ${text}`)
  return text
}
