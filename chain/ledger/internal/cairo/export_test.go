package cairo

// MaxDepth is how deep calls may be nested.
const MaxDepth = maxDepth
