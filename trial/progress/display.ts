import type { Clock } from '../../lib/clock.ts'
import type { Output } from '../output.ts'
import { describeProgress, drawPicture } from './picture.ts'
import type { Tracker } from './tracker.ts'

/** Shows the progress of a trial until it is disposed. */
export interface Display extends Disposable {
  /** Shows the present state once more, which is the last. */
  finish(): void
}

const REDRAW_MS = 100
const PLAIN_LINE_MS = 2_000

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const CLEAR_LINE = '\u001b[2K'
const CLEAR_BELOW = '\u001b[0J'

/** On a terminal, a picture that is redrawn in place ten times a second; elsewhere, a line every two seconds. */
export function showProgress(tracker: Tracker, components: { output: Output; clock: Clock }): Display {
  return components.output.isTerminal ? showPicture(tracker, components) : showLines(tracker, components)
}

function showPicture(tracker: Tracker, { output, clock }: { output: Output; clock: Clock }): Display {
  let lines = 0
  const draw = () => {
    const picture = drawPicture(tracker.snapshot(), output.size())
    const up = lines === 0 ? '' : `\u001b[${lines}A`
    output.write(`${up}${picture.map(line => `${CLEAR_LINE}${output.print(line)}\n`).join('')}${CLEAR_BELOW}`)
    lines = picture.length
  }
  const cancel = clock.every(REDRAW_MS, draw)
  // Also when the process ends at once, or the terminal stays without its cursor.
  const showCursor = () => output.write(SHOW_CURSOR)
  process.on('exit', showCursor)
  output.write(HIDE_CURSOR)
  draw()
  return {
    finish: draw,
    [Symbol.dispose]() {
      cancel()
      process.off('exit', showCursor)
      showCursor()
    },
  }
}

function showLines(tracker: Tracker, { output, clock }: { output: Output; clock: Clock }): Display {
  const show = () => output.write(`  ${describeProgress(tracker.snapshot())}\n`)
  const cancel = clock.every(PLAIN_LINE_MS, show)
  return { finish: show, [Symbol.dispose]: cancel }
}
