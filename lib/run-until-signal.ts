import type { Startable } from './lifecycle.ts'

/**
 * Starts a service, prints one JSON line that says where it is, and stops it at SIGINT or SIGTERM. A second signal ends the
 * process at once.
 * @param advise what a person does next; only shown at a terminal
 */
export async function runUntilSignal(
  service: Startable,
  describe: () => Record<string, unknown>,
  advise: () => string | undefined = () => undefined,
): Promise<void> {
  await service.start()
  process.stdout.write(`${JSON.stringify(describe())}\n`)
  if (process.stderr.isTTY) process.stderr.write(advise() ?? '')
  await new Promise<void>(resolve => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  await service.stop()
}
