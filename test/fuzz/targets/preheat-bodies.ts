import assert from 'node:assert/strict'
import { Compile } from 'typebox/compile'
import { parseImageReference } from '../../../protocol/image-reference.ts'
import { PreheatRequest } from '../../../protocol/messages/preheat-api.ts'
import { plainV1Body, preheatOfV1, V1PreheatRequest } from '../../../supernode/preheat-apis/dragonfly-v1.ts'
import { plainV2Body, preheatOfV2, V2JobRequest } from '../../../supernode/preheat-apis/dragonfly-v2.ts'
import { HarborWebhook, preheatsOfWebhook } from '../../../supernode/preheat-apis/harbor-webhook.ts'
import { plainEvents, preheatsOfEvents, RegistryEvents } from '../../../supernode/preheat-apis/registry-events.ts'
import {
  CLOUD_EVENT_BODY,
  distributionBody,
  distributionEvent,
  krakenBody,
  NGINX,
  v1Body,
  v2Body,
  WEBHOOK_BODY,
} from '../../helpers/harbor-bodies.ts'
import { asUtf8, refusing } from '../engine/expected.ts'
import { mutateJson } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const job = Compile(PreheatRequest)
const v2 = Compile(V2JobRequest)
const v1 = Compile(V1PreheatRequest)
const events = Compile(RegistryEvents)
const webhook = Compile(HarborWebhook)
const FILES = { type: 'file', urls: ['https://f.example/a'], ips: ['10.0.0.1'], timeout: 6e10, platform: 'linux/arm64' }

function jobsOf(body: unknown): readonly PreheatRequest[] {
  const ofV2 = plainV2Body(body)
  if (v2.Check(ofV2)) return [preheatOfV2(ofV2)]
  const ofV1 = plainV1Body(body)
  if (v1.Check(ofV1)) return [preheatOfV1(ofV1)]
  const told = plainEvents(body)
  if (events.Check(told)) return preheatsOfEvents(told, {}).requests
  return webhook.Check(body) ? preheatsOfWebhook(body, {}).requests : []
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What Harbor, tools of Dragonfly and registries send to have images spread. */
export const PREHEAT_BODY_TARGETS: readonly FuzzTarget[] = [
  pureTarget(
    {
      name: 'preheat-bodies',
      about: 'jobs in the form of Dragonfly v1 and v2, notifications of registries, webhooks of Harbor',
      maxBytes: 8192,
      dictionary: ['/v2/', '/manifests/', '@', '%2f', '%ff', '..', 'null', '"__proto__":', ':443', '[::1]', 'push'],
      seeds: () =>
        [
          v2Body(NGINX, 'all_peers'),
          JSON.stringify({ type: 'preheat', args: FILES }),
          v1Body(NGINX),
          krakenBody(NGINX),
          distributionBody(distributionEvent()),
          WEBHOOK_BODY,
          CLOUD_EVENT_BODY,
        ].map(text => Buffer.from(text)),
      mutate: mutateJson,
    },
    input => {
      for (const request of refusing(['REQUEST_INVALID'], () => jobsOf(parsed(asUtf8(input)))) ?? []) {
        assert(job.Check(request) && (request.image === undefined) !== (request.files === undefined))
        if (request.image !== undefined) parseImageReference(request.image)
      }
    },
  ),
]
