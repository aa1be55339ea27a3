/*
 * Loaded before a program (`node --import`): what it takes for the wall clock is off by as many milliseconds as TEST_CLOCK_SKEW_MS says.
 * Its monotonic clock is right.
 */
const skewMs = Number(process.env.TEST_CLOCK_SKEW_MS)
const OwnDate = Date

globalThis.Date = new Proxy(OwnDate, {
  construct(target, args: [] | [number], newTarget) {
    return Reflect.construct(target, args.length === 0 ? [OwnDate.now() + skewMs] : args, newTarget)
  },
  get(target, name) {
    return name === 'now' ? () => OwnDate.now() + skewMs : Reflect.get(target, name)
  },
})
