import { describe, expect, test } from 'vitest'
import { parseDockerConfig } from '../../../../../lib/origin/credentials/docker-config.ts'
import { helperServer, registryHost } from '../../../../../lib/origin/credentials/registry-host.ts'

const auth = (account: string) => ({ auth: Buffer.from(account).toString('base64') })
const accountsOf = (auths: object) => parseDockerConfig(JSON.stringify({ auths })).accounts

describe('the host of a registry', () => {
  test.each([
    ['harbor.example', 'harbor.example'],
    ['Harbor.Example:5000', 'harbor.example:5000'],
    ['https://harbor.example', 'harbor.example'],
    ['https://harbor.example:443/', 'harbor.example'],
    ['harbor.example:443', 'harbor.example'],
    ['harbor.example:80', 'harbor.example:80'],
    ['http://harbor.example:80', 'harbor.example'],
    ['http://harbor.example:443', 'harbor.example:443'],
    ['https://harbor.example/v2/', 'harbor.example'],
    ['my_registry:5000', 'my_registry:5000'],
    ['127.0.0.1:5000', '127.0.0.1:5000'],
    ['[::1]:5000', '[::1]:5000'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['docker.io', 'docker.io'],
    ['auth.docker.io', 'auth.docker.io'],
    ['quay.io/team', undefined],
    ['https://quay.io/team/app', undefined],
    ['user@harbor.example', undefined],
    ['harbor.example\nother.example', undefined],
    ['ftp://harbor.example', undefined],
    ['-harbor', undefined],
    ['', undefined],
  ])('of %s is %s', (text, host) => {
    expect(registryHost(text)).toBe(host)
  })

  test('is called by helpers as docker calls it', () => {
    expect(helperServer('docker.io')).toBe('https://index.docker.io/v1/')
    expect(helperServer('ghcr.io')).toBe('ghcr.io')
  })
})

describe("docker's config.json", () => {
  test.each([
    ['a base64 account', auth('user:pass'), { username: 'user', password: 'pass' }],
    ['a robot', auth('robot$project+name:a:b c'), { username: 'robot$project+name', password: 'a:b c' }],
    ['zero bytes at the end', auth('user:pass\0\0'), { username: 'user', password: 'pass' }],
    ['an identity token', { ...auth('00000000:'), identitytoken: 'refresh' }, { identityToken: 'refresh' }],
    ['user and password in clear', { username: 'user', password: 'pass' }, { username: 'user', password: 'pass' }],
    ['an empty account', { auth: 'Og==' }, undefined],
    ['an entry that a helper keeps', {}, undefined],
    ['more than we know', { ...auth('u:p'), email: 'x@example' }, { username: 'u', password: 'p' }],
  ])('may hold %s', (_, entry, expected) => {
    expect(accountsOf({ 'harbor.example': entry }).get('harbor.example')).toEqual(expected)
  })

  test('may spell a registry in several ways, of which the plain one counts', () => {
    const accounts = accountsOf({
      'https://harbor.example/v1/': auth('old:p'),
      'harbor.example': auth('new:p'),
      'https://harbor.example': auth('other:p'),
      'quay.io/team': auth('team:p'),
    })
    expect([...accounts]).toEqual([['harbor.example', { username: 'new', password: 'p' }]])
  })

  test('names helpers', () => {
    const config = { credHelpers: { 'https://GCR.io': 'gcloud' }, credsStore: 'pass', HttpHeaders: { a: 'b' } }
    const { helpers, defaultHelper } = parseDockerConfig(JSON.stringify(config))
    expect([[...helpers], defaultHelper]).toEqual([[['gcr.io', 'gcloud']], 'pass'])
    expect(parseDockerConfig('{"credsStore":""}').defaultHelper).toBeUndefined()
  })

  test.each([
    ['not JSON', '{"auths":{"harbor.example":{"auth":"c2VjcmV0OnB3"', 'not JSON'],
    ['of another form', '{"auths":{"harbor.example":{"auth":["c2VjcmV0OnB3"]}}}', '/auths/harbor.example/auth'],
    ['a list', '[]', 'no docker configuration'],
    ['an account that is none', '{"auths":{"harbor.example":{"auth":"c2VjcmV0"}}}', '"harbor.example"'],
    ['a helper elsewhere', '{"credHelpers":{"a.example":"../../bin/sh"}}', '"../../bin/sh"'],
    ['a helper with arguments', '{"credsStore":"pass get"}', '"pass get"'],
  ])('is refused when it is %s, without quoting secrets', (_, text, told) => {
    const refusal = (() => {
      try {
        return parseDockerConfig(text)
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toMatchObject({ code: 'CONFIG_INVALID', detail: expect.stringContaining(told) })
    expect((refusal as Error).cause).toBeUndefined()
    expect(String(refusal)).not.toMatch(/c2VjcmV0|secret/)
  })
})
