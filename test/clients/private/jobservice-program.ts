import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../../../lib/clock.ts'
import type { HarborImage } from '../../helpers/harbor-bodies.ts'
import {
  createDragonflyV1Driver,
  createDragonflyV2Driver,
  createKrakenDriver,
  type HarborDriver,
  type HarborInit,
} from '../../helpers/harbor-driver.ts'

/** The vendor and the version of an instance's driver. */
export type DriverName = 'dragonfly 2.12' | 'dragonfly 2.11' | 'dragonfly 2.2' | 'kraken'

/** What a jobservice program is started with, as JSON. */
export interface JobserviceInit extends Pick<HarborInit, 'endpoint' | 'headers'> {
  readonly driver: DriverName
  readonly image: HarborImage
}

/** Harbor's ten seconds between two polls are a tenth of one here. */
const FASTER = 100

const DRIVERS: Readonly<Record<DriverName, (init: HarborInit) => HarborDriver>> = {
  'dragonfly 2.12': init => createDragonflyV2Driver(init, 'all_peers'),
  'dragonfly 2.11': init => createDragonflyV1Driver(init, '2.11'),
  'dragonfly 2.2': init => createDragonflyV1Driver(init, '2.2'),
  kraken: createKrakenDriver,
}

/** Runs one preheat as Harbor's jobservice does, on a node of a test network, and prints how it ended. */
async function main({ driver, image, endpoint, headers = {} }: JobserviceInit): Promise<void> {
  const instance = { endpoint, headers, clock: systemClock, sleep: (ms: number) => wait(ms / FASTER) }
  const task = await DRIVERS[driver](instance).preheat(image)
  process.stdout.write(`${JSON.stringify(task)}\n`)
}

await main(JSON.parse(process.argv[2] ?? '') as JobserviceInit)
