import { statSync } from 'node:fs'
import type { Command } from 'commander'
import { type ApiEndpoint, socketEndpoint, urlEndpoint } from './api-endpoint.ts'
import { readToken } from './token-file.ts'

/** Where a command finds the program that it asks, unless it is told otherwise. */
export interface ApiDefaults {
  /** The owner's socket; empty for none. */
  readonly operatorSocket: string
  /** Of the address that the program listens on. @throws DamselflyError CONFIG_INVALID */
  url(): string
}

/** The options of {@link addApiOptions}, as commander gives them. */
export interface ApiOptions {
  readonly url?: string
  readonly daemon?: string
  readonly tokenFile?: string
}

/** Adds `--url` (or another name for it) and `--token-file` to a command. */
export function addApiOptions(command: Command, program: string, flag: '--url' | '--daemon' = '--url'): Command {
  return command
    .option(
      `${flag} <url>`,
      `the ${program} to ask (default: its owner's socket if that is there, else where it listens)`,
    )
    .option('--token-file <file>', 'file with a token for it, which its owner needs not')
}

/**
 * Which API a command asks: the one at the URL that is given; with a token, the one where the program listens; else the owner's
 * socket where that is there for whoever calls.
 * @throws DamselflyError CONFIG_INVALID when the file holds no token
 */
export function chooseEndpoint({ url, daemon, tokenFile }: ApiOptions, defaults: ApiDefaults): ApiEndpoint {
  const given = url ?? daemon
  const token = tokenFile === undefined ? undefined : readToken(tokenFile)
  if (given === undefined && token === undefined && isSocket(defaults.operatorSocket)) {
    return socketEndpoint(defaults.operatorSocket)
  }
  return urlEndpoint(given ?? defaults.url(), token)
}

function isSocket(path: string): boolean {
  if (path === '') return false
  // Whoever may not look into the data directory is not its owner.
  try {
    return statSync(path, { throwIfNoEntry: false })?.isSocket() === true
  } catch {
    return false
  }
}
