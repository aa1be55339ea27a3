import { Compile } from 'typebox/compile'
import { request } from 'undici'
import { DamselflyError } from '../../protocol/errors.ts'
import { type DaemonTask, DaemonTasks } from '../../protocol/messages/daemon-api.ts'

/** The local API of a dfdaemon. Every call throws DamselflyError DAEMON_UNREACHABLE when there is no usable answer. */
export interface DaemonClient {
  /** Returns when the dfdaemon answers. */
  ping(options: { signal: AbortSignal }): Promise<void>
  /** What the node holds or is downloading. */
  tasks(options: { signal: AbortSignal }): Promise<DaemonTask[]>
  /** Its counters, in the text form that Prometheus reads. */
  metrics(options: { signal: AbortSignal }): Promise<string>
}

/** A dfdaemon on the same machine that says nothing for this long counts as down. */
const SILENCE_MS = 5_000

const tasksSchema = Compile(DaemonTasks)

/** @param url of the dfdaemon, for example `http://127.0.0.1:65001` */
export function createDaemonClient(url: string): DaemonClient {
  const base = url.replace(/\/+$/, '')
  return {
    async ping({ signal }) {
      await get(`${base}/_ping`, signal)
    },
    async tasks({ signal }) {
      const answer = parseJson(await get(`${base}/api/v1/tasks`, signal))
      if (tasksSchema.Check(answer)) return answer
      throw unreachable('its answer is not of the expected form')
    },
    metrics: ({ signal }) => get(`${base}/metrics`, signal),
  }
}

async function get(url: string, signal: AbortSignal): Promise<string> {
  const silence = AbortSignal.timeout(SILENCE_MS)
  let status: number
  let text: string
  try {
    const { statusCode, body } = await request(url, { signal: AbortSignal.any([signal, silence]) })
    status = statusCode
    text = await body.text()
  } catch (error) {
    signal.throwIfAborted()
    throw unreachable(silence.aborted ? `no answer within ${SILENCE_MS} ms` : (error as Error).message, error)
  }
  if (status === 200) return text
  throw unreachable(`it answered with status ${status}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unreachable('its answer is not JSON', error)
  }
}

function unreachable(detail: string, cause?: unknown): DamselflyError {
  return new DamselflyError('DAEMON_UNREACHABLE', detail, cause === undefined ? {} : { cause })
}
