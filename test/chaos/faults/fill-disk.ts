import type { FaultAction } from './fault-action.ts'

/** Another file takes all the room that is left. */
export const fillDisk: FaultAction = async ({ machines }, { target }) => {
  const { disk } = machines.keeping(target)
  await disk.fill()
  return () => disk.free()
}
