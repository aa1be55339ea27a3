/** A command line that shows a way to use dfget, and what it does. */
export interface Example {
  readonly line: string
  readonly meaning: string
}

/** For the help and the manual page. */
export const EXAMPLES: readonly Example[] = [
  { line: 'dfget https://example.com/disk.img', meaning: 'Downloads a file to this directory.' },
  {
    line: 'dfget --supernode https://supernode:8002 --token-file token --digest sha256:… -O /tmp/disk.img https://example.com/disk.img',
    meaning: 'Downloads it through the swarm, and checks what has come.',
  },
  { line: 'dfget -O - https://example.com/backup.tar | tar -x', meaning: 'Unpacks an archive while it arrives.' },
  {
    line: "dfget -r --include '*.safetensors' -O models/ https://example.com/models/",
    meaning: 'Downloads what is wanted below a directory listing.',
  },
  { line: 'dfget -O app/ oci://registry.example/team/app:1.2', meaning: 'Downloads the files of an artifact.' },
  { line: 'dfget --range 0-499 s3://bucket/key', meaning: 'Downloads the beginning of an object.' },
  {
    line: 'dfget import model.bin --replicas 2 --supernode https://supernode:8002 --token-file token',
    meaning: 'Gives a file to the swarm, where "dfget export" finds it by its digest.',
  },
  { line: 'dfget -O models/ --input-file list.txt', meaning: 'Downloads the URLs of a list to a directory.' },
]
