/**
 * The command line that runs a program inside a network namespace.
 *
 * Not `ip netns exec`: it mounts a fresh /sys that hides the cgroups, and dockerd does not start without them. The
 * mount namespace of its own keeps what a container runtime mounts away from the machine and ends with the process;
 * SIGKILL as the parent's death signal ends the program when the test runner is killed.
 */
export function commandInNamespace(namespace: string, command: string, args: readonly string[]): [string, ...string[]] {
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    'unshare',
    '--mount',
    'nsenter',
    `--net=/run/netns/${namespace}`,
    '--',
    command,
    ...args,
  ]
}
