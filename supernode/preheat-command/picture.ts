/** Where a picture is drawn. */
export interface PictureStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly rows?: number
  readonly columns?: number
}

/** Lines that are drawn over and over in the same place. */
export interface Picture {
  /** @param isLast whether nothing comes after it */
  show(lines: readonly string[], isLast: boolean): void
}

/** How often the first line is written where nothing can be drawn over. */
const PLAIN_EVERY = 20

/** A picture on a terminal; elsewhere its headline now and then, and all of it at the end. */
export function createPicture(stream: PictureStream): Picture {
  return stream.isTTY === true ? createDrawn(stream) : createPlain(stream)
}

function createDrawn(stream: PictureStream): Picture {
  let drawn = 0
  return {
    show(lines, isLast) {
      // What is higher or wider than the screen could not be drawn over.
      const { rows = 24, columns = 80 } = stream
      const fitting = isLast ? lines : lines.slice(0, Math.max(1, rows - 1)).map(line => line.slice(0, columns - 1))
      const back = drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`
      stream.write(`${back}${fitting.join('\n')}\n`)
      drawn = fitting.length
    },
  }
}

function createPlain(stream: PictureStream): Picture {
  let shown = 0
  return {
    show(lines, isLast) {
      if (isLast) stream.write(`${lines.join('\n')}\n`)
      else if (shown++ % PLAIN_EVERY === 0) stream.write(`${lines.slice(0, 3).join('\n')}\n`)
    },
  }
}
