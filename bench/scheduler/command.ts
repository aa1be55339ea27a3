import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { SchedulerBenchConfig } from './config.ts'
import { drawScheduler, schedulerJson } from './figures.ts'
import { measureScheduler } from './measure-scheduler.ts'

const DESCRIPTION =
  'Tells the scheduler of the supernode what a flash crowd would: events a second, memory for each member.'

/** `npm run bench -- scheduler`. */
export const schedulerCommand = createConfigCommand('scheduler', DESCRIPTION, SchedulerBenchConfig, {
  plainBooleans: true,
}).action(() => {
  const config = configOf(schedulerCommand, SchedulerBenchConfig)
  const figures = measureScheduler(config)
  process.stdout.write(config.json ? `${JSON.stringify(schedulerJson(figures))}\n` : drawScheduler(figures))
})
