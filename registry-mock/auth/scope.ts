/** What may be done in a repository. */
export type RepositoryAction = 'pull' | 'push'

/** Actions in one repository, as a token grants them or a request needs them. */
export interface RepositoryAccess {
  readonly name: string
  readonly actions: readonly RepositoryAction[]
}

/** Writes the scope of a challenge, `repository:library/demo:pull,push`. */
export function formatScope({ name, actions }: RepositoryAccess): string {
  return `repository:${name}:${actions.join(',')}`
}

/**
 * Reads the `scope` parameters of a token request, each of which may hold several scopes. What is not a repository's
 * scope, and actions other than pull and push, grant nothing here and are left out.
 */
export function parseScopes(parameters: readonly string[]): RepositoryAccess[] {
  return parameters
    .flatMap(parameter => parameter.split(' '))
    .flatMap(scope => {
      const match = /^repository:(.+):([^:]*)$/.exec(scope)
      if (match === null) return []
      const [, name = '', actions = ''] = match
      return [{ name, actions: actions.split(',').filter(action => action === 'pull' || action === 'push') }]
    })
}

/** Whether all of the needed actions are granted. */
export function grants(granted: readonly RepositoryAccess[], needed: RepositoryAccess): boolean {
  return needed.actions.every(action =>
    granted.some(access => access.name === needed.name && access.actions.includes(action)),
  )
}
