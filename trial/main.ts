#!/usr/bin/env node
import { configOf, createConfigCommand, runCommand } from '../lib/config/config-command.ts'
import { checkTrialConfig, TrialConfig } from './config.ts'
import { createInterrupt, Interrupted } from './interrupt.ts'
import { createOutput } from './output.ts'
import { runTrial } from './run-trial.ts'

const command = createConfigCommand(
  'trial',
  'The main job on one machine: a registry, a supernode and several nodes that pull one image at once.',
  TrialConfig,
  { plainBooleans: true },
).action(async () => {
  const config = configOf(command, TrialConfig)
  checkTrialConfig(config)
  using interrupt = createInterrupt()
  try {
    const verified = await runTrial(config, createOutput(config), { signal: interrupt.signal })
    process.exitCode = verified ? 0 : 1
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    process.exitCode = error.exitCode
  }
})

await runCommand(command)
