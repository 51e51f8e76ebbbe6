// What a page may ask for in vain, and why. Anything else that is answered with 400 or more fails the chapter.
//
// `path` is tested against the request's path and query; `status` is the answer's.
export const ALLOWED = [];
