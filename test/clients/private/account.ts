/** The account of the tests, of a form that Harbor's robots have. */
export const ROBOT = { username: 'robot$library+pull', password: 'planted-secret' }

/** The same as docker-registry reads it; bcrypt is the one hash that it takes. */
export const HTPASSWD = `${ROBOT.username}:$2b$04$zubmjOaM5cxdmCzVZyG9RuKHKJxHXzxPkh9bGG0ouendmWj3Tw3Xy\n`
