import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import type { GeneratedImage } from '../../registry-mock/image/generated-image.ts'
import { startCluster } from '../helpers/cluster.ts'
import { printsAccount, writeCredentialHelper } from '../helpers/credential-helper.ts'
import { createDfgetUser } from '../helpers/dfget-user.ts'
import { startHttpServer } from '../helpers/http-server.ts'
import { PlantedSecrets } from '../helpers/planted-secrets.ts'
import { startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'
import { pullBlob } from '../helpers/pull.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const MIB = 1024 * 1024
const TROUBLE = fileURLToPath(new URL('../helpers/trouble-maker.ts', import.meta.url))

const DAEMON_PAGES = ['/metrics', '/api/v1/node', '/api/v1/tasks', '/api/v1/pulls', '/api/v1/limits', '/openapi.json']
const SUPERNODE_PAGES = ['/metrics', '/api/v1/tasks', '/api/v1/peers', '/api/v1/limits', '/openapi.json']

/** Presigned as S3 does it, with the secret as its signature. */
function presigned(url: string, signature: string): string {
  return `${url}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=${signature}`
}

test('no secret that a user plants is in logs, answers, metrics, command lines, crash reports or data directories', async () => {
  await using scratch = await createScratchDirectory()
  const secrets = new PlantedSecrets()
  const [password, identityToken, helperSecret, dockerPassword] = [
    secrets.plant('registry-password'),
    secrets.plant('identity-token'),
    secrets.plant('credential-helper'),
    secrets.plant('docker-config'),
  ]
  const [authorization, cookie, query, userinfo] = [
    secrets.plant('authorization-header'),
    secrets.plant('cookie-header'),
    secrets.plant('presigned-query'),
    secrets.plant('url-userinfo'),
  ]
  const [environment, s3Key, sessionToken, errorProperty] = [
    secrets.plant('environment'),
    secrets.plant('s3-secret-key'),
    secrets.plant('s3-session-token'),
    secrets.plant('error-property'),
  ]

  await using cluster = await startCluster({ auth: { mode: 'bearer', username: 'robot', password } })
  const { registry } = cluster
  const image: GeneratedImage = await registry.generateImage({
    repository: 'library/private',
    layers: 2,
    sizeBytes: 2 * MIB,
  })
  const origin = await startHttpServer((_, response) => response.writeHead(200, { etag: '"1"' }).end('content'))
  onTestFinished(() => origin.close())

  const bin = join(scratch.path, 'bin')
  await mkdir(bin)
  await writeCredentialHelper(
    bin,
    'planted',
    `cat /proc/$$/cmdline >> "$HELPER_LOG"\n${printsAccount('robot', helperSecret)}`,
  )
  const dockerConfig = join(scratch.path, 'docker.json')
  const auth = Buffer.from(`robot:${dockerPassword}`).toString('base64')
  await writeFile(dockerConfig, JSON.stringify({ auths: { 'docker.example': { auth } } }))
  const passwordFile = join(scratch.path, 'password')
  await writeFile(passwordFile, password)
  const upstreams = {
    [registry.host]: { url: registry.url, account: { username: 'robot', passwordFile } },
    'token.example': { url: origin.url, account: { identityToken } },
    'helper.example': { url: origin.url, account: { helper: 'planted' } },
    'plain.example': { url: origin.url, account: { username: 'robot', password } },
  }
  const [supernodeFile, daemonFile] = [join(scratch.path, 'supernode.yaml'), join(scratch.path, 'dfdaemon.yaml')]
  await writeFile(supernodeFile, JSON.stringify({ upstreams }))
  await writeFile(daemonFile, JSON.stringify({ upstreams, dockerConfigs: [dockerConfig] }))
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    HELPER_LOG: join(scratch.path, 'helper.log'),
    NODE_OPTIONS: `--import=${TROUBLE} --report-uncaught-exception --report-directory=${scratch.path}/reports`,
    PLANTED: errorProperty,
    PLANTED_ENVIRONMENT: environment,
  }
  const eventLog = join(scratch.path, 'events.jsonl')
  const supernode = await cluster.supernodeProcess({ config: supernodeFile, logLevel: 'trace', eventLog }, { env })
  const dfdaemon = await cluster.dfdaemonProcess(
    { config: daemonFile, logLevel: 'trace', supernode: supernode.url },
    { env },
  )

  // Pulls that work, with the node's account and with the client's own, and such that fail, by every way that a secret may come.
  const [first, second] = image.layers
  if (first === undefined || second === undefined) throw new Error('the image has two layers')
  const basic = `Basic ${Buffer.from(`robot:${authorization}`).toString('base64')}`
  const blob = (digest: string) => ({ repository: 'library/private', digest })
  await pullBlob(dfdaemon, blob(first.digest))
  await pullBlob(dfdaemon, blob(first.digest))
  const answers: string[] = []
  const ask = async (url: string, headers: Record<string, string> = {}, body?: object) => {
    const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await request(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...json },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    answers.push(`${response.statusCode} ${JSON.stringify(response.headers)} ${await response.body.text()}`)
  }
  const layer = `${dfdaemon.url}/v2/library/private/blobs/${second.digest}`
  await ask(layer, { authorization: basic, cookie: `session=${cookie}` })
  await ask(layer, { authorization: `Bearer ${authorization}` })
  await ask(`${layer}?X-Amz-Signature=${query}`)
  for (const ns of ['token.example', 'helper.example', 'docker.example', 'plain.example']) {
    await ask(`${dfdaemon.url}/v2/library/private/manifests/latest?ns=${ns}`, { authorization: basic })
    await ask(`${dfdaemon.url}/v2/library/private/blobs/sha256:${'0'.repeat(64)}?ns=${ns}`)
  }
  const source = (url: string, more: object = {}) => ({
    peerId: dfdaemon.peerId,
    source: { url, headers: {}, ...more },
  })
  const registrations = [
    source(presigned(`${origin.url}/a`, query)),
    source(presigned('http://127.0.0.1:1/gone', query), { headers: { authorization: basic, cookie } }),
    source(`http://robot:${userinfo}@127.0.0.1:1/a`),
    source(`${registry.url}/v2/library/private/blobs/${second.digest}`, {
      digest: second.digest,
      credentials: { username: 'robot', password: authorization },
    }),
    source(`${origin.url}/a`, { headers: { authorization: `${authorization}\r\nx: y` } }),
    { peerId: authorization, source: { credentials: { username: cookie, token: authorization } } },
  ]
  for (const body of registrations) await ask(`${supernode.url}/peer/registry`, {}, body)

  // dfget, with what a user types. That is on its own command line, and nowhere else.
  await using user = await createDfgetUser({
    AWS_ACCESS_KEY_ID: 'AKIA',
    AWS_SECRET_ACCESS_KEY: s3Key,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_ENDPOINT_URL: origin.url,
    AWS_REGION: 'us-east-1',
  })
  const runs = [
    ['-H', `Authorization: ${basic}`, '-H', `Cookie: ${cookie}`, presigned(`${origin.url}/b`, query)],
    [presigned('http://127.0.0.1:1/b', query)],
    [`http://robot:${userinfo}@127.0.0.1:1/c`],
    ['--supernode', supernode.url, '-H', `Authorization: ${basic}`, presigned(`${origin.url}/d`, query)],
    ['s3://bucket/key'],
    ['--supernode', supernode.url, 's3://bucket/other'],
  ]
  for (const [index, args] of runs.entries()) {
    const { stdout, stderr } = await user.run('--json', '-O', `out-${index}`, ...args)
    // The result names what was asked for.
    secrets.search(`dfget ${index} stdout`, stdout, ['presigned-query'])
    secrets.search(`dfget ${index} stderr`, stderr)
  }

  const pages = [
    ...DAEMON_PAGES.map(page => `${dfdaemon.url}${page}`),
    ...SUPERNODE_PAGES.map(page => `${supernode.url}${page}`),
  ]
  for (const page of pages) secrets.search(page, await (await request(page)).body.text())
  for (const [index, answer] of answers.entries()) secrets.search(`answer ${index}`, answer)
  await secrets.searchCommandLines(line => line.includes('dfget/main'))

  // A program that does not like its settings.
  for (const [index, text] of [
    `upstreams: { a: { account: { password: ${password}: x`,
    `{"upstreams":{"a":{"account":{"password":["${password}"]}}}}`,
    `{"upstreams":{"a":{"account":{"passwort":"${password}"}}}}`,
  ].entries()) {
    const file = join(scratch.path, `bad-${index}.yaml`)
    await writeFile(file, text)
    await using child = await startProcess(process.execPath, [programMain('dfdaemon'), '--config', file, '--trial'])
    expect((await child.exited).code).toBe(1)
    secrets.search(`dfdaemon with bad settings ${index}`, child.stderr.text() + child.stdout.text())
  }

  // They end by an error that nobody expected, with a secret in its properties.
  for (const [name, { process: child, dataDir }] of Object.entries({ supernode, dfdaemon })) {
    child.signal('SIGUSR2')
    expect((await child.exited).code).toBe(1)
    expect(child.stderr.text()).toContain('an error that nobody expected')
    expect(child.stderr.text()).toMatch(/"level":(10|20)/)
    secrets.search(`${name} stdout`, child.stdout.text())
    secrets.search(`${name} stderr`, child.stderr.text())
    expect(await secrets.searchFiles(`data of ${name}`, dataDir)).toBeGreaterThan(5)
  }
  secrets.search('event log', await readFile(eventLog, 'utf8'))
  await secrets.searchFiles('reports', join(scratch.path, 'reports')).catch(() => 0)
  const helperLog = await readFile(join(scratch.path, 'helper.log'), 'utf8')
  expect(helperLog).toContain('helper.example')
  expect(helperLog).toContain('docker-credential-planted\0get')
  secrets.search('command line of the credential helper', helperLog)
  expect(secrets.count).toBe(12)
  expect(secrets.found).toEqual([])
}, 60_000)

test('a secret is found in every spelling that it may have', () => {
  for (const spell of [
    (text: string) => text,
    (text: string) => `robot:${encodeURIComponent(text)}@`,
    (text: string) => Buffer.from(text).toString('hex'),
    (text: string) => Buffer.from(`robot:${text}`).toString('base64'),
    (text: string) => Buffer.from(`user:${text}:x`).toString('base64url'),
    (text: string) => Buffer.from(`x:${text}`).toString('base64'),
  ]) {
    const secrets = new PlantedSecrets()
    const secret = secrets.plant('one')
    secrets.search('here', `before ${spell(secret)} after`)
    expect(secrets.found.map(({ where }) => where)).toEqual(['here'])
  }
})
