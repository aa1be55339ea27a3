/*
 * What Harbor and registries send, byte for byte (contracts §4.1 – §4.3, §4.5, §5); what is left out there is filled in. JSON is written in one
 * line, as they write it.
 */

export const MANIFEST_URL = 'https://harbor.example.com/v2/library/nginx/manifests/1.27'
export const NGINX_DIGEST = `sha256:${'9f'.repeat(32)}`
export const OCI_DIGEST = `sha256:${'da'.repeat(32)}`
/** A token as Harbor makes it for one repository: a secret. */
export const HARBOR_TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJoYXJib3ItcmVnaXN0cnkifQ.c2lnbmF0dXJl'

/** An image that Harbor has pushed to it, as its drivers know it. */
export interface HarborImage {
  readonly url: string
  readonly repository: string
  readonly tag: string
  readonly digest: string
  /** Without "Bearer". */
  readonly token: string
}

/** The image of contracts §4. */
export const NGINX: HarborImage = {
  url: MANIFEST_URL,
  repository: 'library/nginx',
  tag: '1.27',
  digest: NGINX_DIGEST,
  token: HARBOR_TOKEN,
}

/** `POST /oapi/v1/jobs` of Harbor from 2.12 on. */
export function v2Body({ url, token }: HarborImage, scope = '', clusters = 'null'): string {
  const args = `{"type":"image","url":"${url}","tag":"","filtered_query_params":"","headers":{"Authorization":"Bearer ${token}"},"scope":"${scope}","concurrent_count":0,"timeout":0}`
  return `{"type":"preheat","args":${args},"scheduler_cluster_ids":${clusters}}`
}

/** The answer to it that contracts §4.1 shows. */
export const V2_STARTED =
  '{"id":1,"created_at":"2026-11-20T23:56:31Z","updated_at":"2026-11-20T23:56:31Z","state":"PENDING","result":null}'

/** `POST /preheats` of Harbor up to 2.11. */
export function v1Body({ url, repository, tag, digest, token }: HarborImage): string {
  return `{"type":"image","url":"${url}","headers":{"Authorization":"Bearer ${token}"},"image":"${repository}","tag":"${tag}","digest":"${digest}"}`
}

/** `POST /registry/notifications` of Harbor's driver for Kraken. */
export function krakenBody({ url, repository, tag, digest }: HarborImage): string {
  const target = `{"MediaType":"application/vnd.docker.distribution.manifest.v2+json","Digest":"${digest}","Repository":"${repository}","Url":"${url}","Tag":"${tag}"}`
  return `{"Events":[{"Id":"7c3b2a","TimeStamp":"2026-11-20T23:56:31.1Z","Action":"push","Target":${target},"Request":null,"Actor":null}]}`
}

/** An event as distribution 2.8.2 sends it. */
export function distributionEvent(changes: Readonly<{ action?: string; target?: object }> = {}): object {
  return {
    id: '2f1d3a1c-8a63-4a3f-9d26-1f6f1f3c9b11',
    timestamp: '2026-11-20T23:56:31.3Z',
    action: 'push',
    ...changes,
    target: {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 749,
      digest: OCI_DIGEST,
      length: 749,
      repository: 'library/testoci',
      url: `http://127.0.0.1:5600/v2/library/testoci/manifests/${OCI_DIGEST}`,
      tag: 'v1',
      references: [
        { mediaType: 'application/vnd.oci.image.config.v1+json', size: 512, digest: `sha256:${'a2'.repeat(32)}` },
        {
          mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
          size: 12001715,
          digest: `sha256:${'bb'.repeat(32)}`,
        },
      ],
      ...changes.target,
    },
    request: {
      id: '0c9e3e0a-1a4e-4a1c-8a0b-3a1f5d0e7a55',
      addr: '127.0.0.1:50512',
      host: '127.0.0.1:5600',
      method: 'PUT',
      useragent: 'Buildah/1.28.2',
    },
    actor: {},
    source: { addr: 'vm:5600', instanceID: '5e1f9a1e-2b0b-4b7e-9f6a-0c5b7f1d9e44' },
  }
}

/** A body of events. */
export function distributionBody(...events: readonly object[]): string {
  return JSON.stringify({ events })
}

const EVENT_DATA = `{"resources":[{"digest":"${NGINX_DIGEST}","tag":"v1","resource_url":"harbor.lan/proj/alpine:v1"}],"repository":{"date_created":1680501893,"name":"alpine","namespace":"proj","repo_full_name":"proj/alpine","repo_type":"private"}}`
/** A webhook in Harbor's own form. */
export const WEBHOOK_BODY = `{"type":"PUSH_ARTIFACT","occur_at":1680501893,"operator":"admin","event_data":${EVENT_DATA}}`
/** The same as CloudEvents. */
export const CLOUD_EVENT_BODY = `{"specversion":"1.0","id":"66ed2b5c-6a0c-4a73-9ac7-8f0d1d1b9a5e","requestid":"9e9d88e6-16a6-4178-8eb4-576e72994b62","source":"/projects/2/webhook/policies/15","type":"harbor.artifact.pushed","datacontenttype":"application/json","time":"2026-11-20T23:56:31Z","data":${EVENT_DATA},"operator":"admin"}`
