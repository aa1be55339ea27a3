import type { NetworkNode } from './netns.ts'
import { type ChildProcess, type ProcessOptions, run, startProcess } from './process.ts'

/** A view of this machine as a fresh one: changes to `/etc` and to what runtimes keep in `/run` and `/var/lib` end with it. */
export interface MachineView extends AsyncDisposable {
  /** Runs a shell line to its end. @throws Error when it fails */
  shell(line: string, options?: ViewOptions & { timeoutMs?: number }): Promise<{ stdout: string; stderr: string }>
  /** Starts a program. */
  start(command: string, args: readonly string[], options?: ViewOptions): Promise<ChildProcess>
}

type ViewOptions = Pick<ProcessOptions, 'env' | 'cwd'>

const READY = 'ready'

/** A copy of /etc, and empty memory in place of the directories given, which may be missing. */
const PREPARE = `
copy=$(mktemp -d)
mount -t tmpfs tmpfs "$copy"
cp -a /etc/. "$copy"
mount --bind "$copy" /etc
for directory; do
  mkdir -p "$directory"
  mount -t tmpfs tmpfs "$directory"
done
echo ${READY}
exec sleep infinity
`

/** Opens a view on the network of a node. Needs root. @param emptied directories that are empty in it */
export async function openMachineView(node: NetworkNode, emptied: readonly string[]): Promise<MachineView> {
  const holder = await startProcess('sh', ['-ec', PREPARE, 'view', ...emptied], { namespace: node.namespace })
  await holder.waitForLine('stdout', line => line === READY, { timeoutMs: 30_000 })
  const enter = ['--target', `${holder.pid}`, '--mount', '--net', '--']
  // Entering another mount namespace changes the working directory.
  const at = (cwd: string | undefined) => ['sh', '-ec', 'cd "$0"; exec "$@"', cwd ?? '/']
  return {
    shell: (line, { cwd, ...options } = {}) => run('nsenter', [...enter, ...at(cwd), 'sh', '-ec', line], options),
    start: (command, args, { cwd, ...options } = {}) =>
      startProcess('nsenter', [...enter, ...at(cwd), 'setpriv', '--pdeathsig', 'KILL', command, ...args], options),
    [Symbol.asyncDispose]: () => holder[Symbol.asyncDispose](),
  }
}
