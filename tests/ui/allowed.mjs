// What a page may ask for in vain, and why. Anything else that is answered with 400 or more fails the chapter.
//
// `path` is tested against the request's path and query; `status` is the answer's.
// Not visited at all: the pages of Nexus endpoints, which break where the server has no Nexus (501).
export const ALLOWED = [];
