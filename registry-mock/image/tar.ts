/** Tar works in blocks of this size, and ends with two blocks of zeros. */
export const TAR_BLOCK_BYTES = 512

/** One member of an archive. */
export interface TarMember {
  /** At most 100 bytes. A directory's name ends in `/`. */
  readonly name: string
  /** At most 8 GiB - 1. */
  readonly sizeBytes: number
}

/** The header block of a member (POSIX ustar), owned by root, from the first second of 2024. */
export function tarHeader({ name, sizeBytes }: TarMember): Uint8Array {
  const isDirectory = name.endsWith('/')
  const block = Buffer.alloc(TAR_BLOCK_BYTES)
  block.write(name, 0)
  writeOctal(block, isDirectory ? 0o755 : 0o644, 100, 8)
  writeOctal(block, 0, 108, 8)
  writeOctal(block, 0, 116, 8)
  writeOctal(block, sizeBytes, 124, 12)
  writeOctal(block, Date.UTC(2024, 0, 1) / 1000, 136, 12)
  block.write(isDirectory ? '5' : '0', 156)
  block.write('ustar\x0000', 257, 'latin1')
  // The checksum counts its own field as spaces.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function writeOctal(block: Buffer, value: number, offset: number, widthBytes: number): void {
  block.write(value.toString(8).padStart(widthBytes - 1, '0'), offset)
}
