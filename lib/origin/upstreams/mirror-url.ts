import { DamselflyError } from '../../../protocol/errors.ts'

/**
 * What stands for `/v2` at a mirror, as a URL without a slash at its end: `https://a.example` → `https://a.example/v2`,
 * `https://a.example/hub` → `https://a.example/hub/v2` (containerd, dockerd), and `https://a.example/v2/hub` as it is (Harbor).
 * @param setting that holds the URL, by dotted path
 * @throws DamselflyError CONFIG_INVALID, which repeats nothing of a URL that holds a password
 */
export function mirrorBaseUrl(text: string, setting: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalid(setting, 'has to be an http:// or https:// URL')
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(setting, 'must not carry a user or password; they belong into the account of the mirror')
  }
  if (url.search !== '' || url.hash !== '') throw invalid(setting, 'must not have a query or fragment')
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${path}${path.split('/').includes('v2') ? '' : '/v2'}`
}

function invalid(setting: string, problem: string): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `${setting} ${problem}`)
}
