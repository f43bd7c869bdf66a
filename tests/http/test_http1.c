/* test_http1.c - what a request is, and everything that is none: each refusal by name, each input
   cut at every byte and in every way. */
#include "http/http1.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "conversation.h"
#include "test.h"

enum { BODY_LIMIT = 100, TALK = 8192 };

#define RAW(text)                                                                                  \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
#define GET   "GET / HTTP/1.1\r\n"
#define POST  "POST / HTTP/1.1\r\nHost: a\r\n"
#define HOST  "Host: a\r\n"
#define END   "\r\n"
#define CHUNK POST "Transfer-Encoding: chunked\r\n\r\n"

struct row {
    const char *name;
    struct span bytes;
    const char *talk;
};

/* What is taken.  The events are those of conversation.c. */
static const struct row taken[] = {
    { "nothing at all", RAW(""), "closed\n" },
    { "the least", RAW(GET HOST END), "GET / @a host=a\ndone\nclosed\n" },
    { "one empty line before", RAW("\r\n" GET HOST END), "GET / @a host=a\ndone\nclosed\n" },
    { "two requests", RAW(GET HOST END "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"),
      "GET / @a host=a\ndone\nGET /2 @b host=b\ndone\nclosed\n" },
    { "path, query and escapes", RAW("GET /a%20b/%C3%A9?x=1%26&y HTTP/1.1\r\n" HOST END),
      "GET /a b/\xc3\xa9?x=1%26&y </a%20b/%C3%A9?x=1%26&y> @a host=a\ndone\nclosed\n" },
    { "absolute-form", RAW("GET http://a:80/p?q HTTP/1.1\r\nHost: a:80\r\n\r\n"),
      "GET /p?q @a:80 host=a:80\ndone\nclosed\n" },
    { "absolute-form without a path", RAW("GET HTTPS://A HTTP/1.1\r\nHost: a\r\n\r\n"),
      "GET / <> @a host=a\ndone\nclosed\n" },
    { "OPTIONS *", RAW("OPTIONS * HTTP/1.1\r\n" HOST END), "OPTIONS * @a host=a\ndone\nclosed\n" },
    { "IPv6 host", RAW(GET "Host: [::1]:8443\r\n\r\n"),
      "GET / @[::1]:8443 host=[::1]:8443\ndone\nclosed\n" },
    { "names are folded, values trimmed", RAW(GET HOST "X-CaSe:\t Some Value \t\r\n\r\n"),
      "GET / @a host=a x-case=Some Value\ndone\nclosed\n" },
    { "an empty value", RAW(GET HOST "x:\r\n\r\n"), "GET / @a host=a x=\ndone\nclosed\n" },
    { "a body", RAW(POST "Content-Length: 5\r\n\r\nhello"),
      "POST / @a host=a content-length=5\nbody hello\ndone\nclosed\n" },
    { "a body of nothing", RAW(POST "Content-Length: 0\r\n\r\n"),
      "POST / @a host=a content-length=0\ndone\nclosed\n" },
    { "a body and a request", RAW(POST "Content-Length: 2\r\n\r\nhi" GET HOST END),
      "POST / @a host=a content-length=2\nbody hi\ndone\nGET / @a host=a\ndone\nclosed\n" },
    { "a POST without a length has no body", RAW(POST END), "POST / @a host=a\ndone\nclosed\n" },
    { "chunks", RAW(CHUNK "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"),
      "POST / @a host=a transfer-encoding=chunked\nbody abc0123456789\ndone\nclosed\n" },
    { "chunk extension", RAW(CHUNK "1;n=v;\"q\r\nx\r\n0;last\r\n\r\n"),
      "POST / @a host=a transfer-encoding=chunked\nbody x\ndone\nclosed\n" },
    { "trailers", RAW(CHUNK "1\r\nx\r\n00\r\nX-Sum: 7\r\ny: z\r\n\r\n"),
      "POST / @a host=a transfer-encoding=chunked\nbody x\ndone x-sum=7 y=z\nclosed\n" },
    { "chunks and a request", RAW(CHUNK "0\r\n\r\n" GET HOST END),
      "POST / @a host=a transfer-encoding=chunked\ndone\nGET / @a host=a\ndone\nclosed\n" },
    { "Chunked in any case", RAW(POST "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n"),
      "POST / @a host=a transfer-encoding=CHUNKED\ndone\nclosed\n" },
    { "close: the next request is not read", RAW(GET HOST "Connection: close\r\n\r\n" GET HOST END),
      "GET / @a host=a connection=close (close)\ndone\nclosed\n" },
    { "close among others", RAW(GET HOST "Connection: te, Close\r\n\r\n"),
      "GET / @a host=a connection=te, Close (close)\ndone\nclosed\n" },
    { "1.0 closes", RAW("GET / HTTP/1.0\r\n\r\n" GET), "GET / @ (close)\ndone\nclosed\n" },
    { "1.0 keep-alive closes too", RAW("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET),
      "GET / @ connection=keep-alive (close)\ndone\nclosed\n" },
    { "expectation", RAW(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"),
      "POST / @a host=a expect=100-Continue content-length=1 (100)\nbody x\ndone\nclosed\n" },
    { "upgrade to a WebSocket", RAW(GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
      "GET / @a host=a connection=Upgrade upgrade=websocket (websocket)\ndone\nclosed\n" },
    { "upgrade not named in Connection", RAW(GET HOST "Upgrade: websocket\r\n\r\n"),
      "GET / @a host=a upgrade=websocket\ndone\nclosed\n" },
    { "upgrade to h2c is passed over",
      RAW(GET HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"),
      "GET / @a host=a connection=Upgrade, HTTP2-Settings upgrade=h2c\ndone\nclosed\n" },
};

/* What is refused, with the reason that every cut of the input must give. */
static const struct row refused[] = {
    /* lines */
    { "bare LF after the request line", RAW("GET / HTTP/1.1\nHost: a\r\n\r\n"),
      "HTTP_LINE_ENDING" },
    { "bare LF after a field", RAW(GET "Host: a\nX: y\r\n\r\n"), "HTTP_LINE_ENDING" },
    { "bare LF as the last line", RAW(GET HOST "\n"), "HTTP_LINE_ENDING" },
    { "bare LF first", RAW("\n" GET HOST END), "HTTP_LINE_ENDING" },
    { "bare CR in a field", RAW(GET HOST "X: a\rb\r\n\r\n"), "HTTP_LINE_ENDING" },
    { "CR CR LF", RAW(GET HOST "\r\r\n"), "HTTP_LINE_ENDING" },
    { "two empty lines before", RAW("\r\n\r\n" GET HOST END), "HTTP_REQUEST_LINE" },
    { "NUL in the target", RAW("GET /\0 HTTP/1.1\r\n" HOST END), "HTTP_CHARACTER" },
    { "NUL in a value", RAW(GET HOST "X: \0\r\n\r\n"), "HTTP_CHARACTER" },
    { "NUL in a name", RAW(GET "Ho\0st: a\r\n\r\n"), "HTTP_CHARACTER" },
    { "DEL in a value", RAW(GET HOST "X: \x7f\r\n\r\n"), "HTTP_CHARACTER" },
    { "obs-text in a value", RAW(GET HOST "X: \xc3\xa9\r\n\r\n"), "HTTP_CHARACTER" },
    { "raw UTF-8 in the target", RAW("GET /\xc3\xa9 HTTP/1.1\r\n" HOST END), "HTTP_CHARACTER" },
    { "escape in a value", RAW(GET HOST "X: \x1b[2J\r\n\r\n"), "HTTP_CHARACTER" },
    { "a TLS ClientHello", RAW("\x16\x03\x01\x02\x00\x01\x00"), "HTTP_CHARACTER" },
    { "the HTTP/2 preface", RAW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP_VERSION_UNSUPPORTED" },
    /* the request line */
    { "no version", RAW("GET /\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "HTTP/0.9 with a space", RAW("GET / \r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "two spaces after the method", RAW("GET  / HTTP/1.1\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "two spaces before the version", RAW("GET /  HTTP/1.1\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "tab for a space", RAW("GET\t/ HTTP/1.1\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "space first", RAW(" GET / HTTP/1.1\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "space last", RAW("GET / HTTP/1.1 \r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "a fourth word", RAW("GET / HTTP/1.1 x\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "method with a bad character", RAW("G(T / HTTP/1.1\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "lower-case method", RAW("get / HTTP/1.1\r\n" HOST END), "HTTP_METHOD_UNKNOWN" },
    { "unknown method", RAW("BREW / HTTP/1.1\r\n" HOST END), "HTTP_METHOD_UNKNOWN" },
    { "CONNECT", RAW("CONNECT a:1 HTTP/1.1\r\n" HOST END), "HTTP_METHOD_UNKNOWN" },
    { "TRACE", RAW("TRACE / HTTP/1.1\r\n" HOST END), "HTTP_METHOD_UNKNOWN" },
    { "lower-case version", RAW("GET / http/1.1\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "HTTP/1.2", RAW("GET / HTTP/1.2\r\n" HOST END), "HTTP_VERSION_UNSUPPORTED" },
    { "HTTP/2.0 in text", RAW("GET / HTTP/2.0\r\n" HOST END), "HTTP_VERSION_UNSUPPORTED" },
    { "HTTP/1.10", RAW("GET / HTTP/1.10\r\n" HOST END), "HTTP_REQUEST_LINE" },
    { "HTTP/01.1", RAW("GET / HTTP/01.1\r\n" HOST END), "HTTP_REQUEST_LINE" },
    /* the target */
    { "relative target", RAW("GET x HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "asterisk for GET", RAW("GET * HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "another scheme", RAW("GET ftp://a/ HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "dot segments", RAW("GET /a/../b HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "dot segment at the end", RAW("GET /a/.. HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "single dot", RAW("GET /./b HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "escaped dot segments", RAW("GET /a/%2e%2E/b HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "escaped slash", RAW("GET /a%2Fb HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "escaped slash last", RAW("GET /a%2f HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "escaped backslash", RAW("GET /a%5cb HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "backslash", RAW("GET /a\\b HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "escaped NUL", RAW("GET /a%00 HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "escaped line break", RAW("GET /a%0d%0aX:y HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "broken escape", RAW("GET /a%2 HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "escape of no digits", RAW("GET /a%zz HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "lone per cent", RAW("GET /a% HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "escaped bytes that are no UTF-8", RAW("GET /%ff HTTP/1.1\r\n" HOST END),
      "HTTP_TARGET_INVALID" },
    { "overlong UTF-8", RAW("GET /%c0%af HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "fragment", RAW("GET /a#b HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "quote in the path", RAW("GET /\" HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    { "broken escape in the query", RAW("GET /?a=%1 HTTP/1.1\r\n" HOST END),
      "HTTP_TARGET_INVALID" },
    { "bracket in the query", RAW("GET /?a[]=1 HTTP/1.1\r\n" HOST END), "HTTP_TARGET_INVALID" },
    /* the host */
    { "no Host", RAW(GET END), "HTTP_HOST_MISSING" },
    { "two Hosts", RAW(GET HOST "Host: b\r\n\r\n"), "HTTP_HOST_DUPLICATE" },
    { "the same Host twice", RAW(GET HOST HOST END), "HTTP_HOST_DUPLICATE" },
    { "empty Host", RAW(GET "Host:\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "user in Host", RAW(GET "Host: u@a\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "path in Host", RAW(GET "Host: a/b\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "list in Host", RAW(GET "Host: a, b\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "port of letters", RAW(GET "Host: a:b\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "port too large", RAW(GET "Host: a:65536\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "port missing", RAW(GET "Host: a:\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "open bracket", RAW(GET "Host: [::1\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "text behind a bracket", RAW(GET "Host: [::1]x\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "zone in a literal", RAW(GET "Host: [fe80::1%25lo]\r\n\r\n"), "HTTP_HOST_INVALID" },
    { "Host of 1.0 is checked too", RAW("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"),
      "HTTP_HOST_INVALID" },
    { "absolute-form of another host", RAW("GET http://b/ HTTP/1.1\r\n" HOST END),
      "HTTP_HOST_MISMATCH" },
    { "absolute-form of another port", RAW("GET http://a:81/ HTTP/1.1\r\nHost: a:80\r\n\r\n"),
      "HTTP_HOST_MISMATCH" },
    { "absolute-form with a user", RAW("GET http://u@a/ HTTP/1.1\r\n" HOST END),
      "HTTP_HOST_INVALID" },
    { "absolute-form without a host", RAW("GET http:///x HTTP/1.1\r\n" HOST END),
      "HTTP_HOST_INVALID" },
    /* fields */
    { "space before the colon", RAW(GET "Host : a\r\n\r\n"), "HTTP_FIELD_NAME" },
    { "tab before the colon", RAW(GET "Host\t: a\r\n\r\n"), "HTTP_FIELD_NAME" },
    { "no colon", RAW(GET HOST "X\r\n\r\n"), "HTTP_FIELD_NAME" },
    { "empty name", RAW(GET HOST ": x\r\n\r\n"), "HTTP_FIELD_NAME" },
    { "name with a bracket", RAW(GET HOST "X[]: x\r\n\r\n"), "HTTP_FIELD_NAME" },
    { "folded field", RAW(GET HOST "X: a\r\n b\r\n\r\n"), "HTTP_FIELD_FOLDED" },
    { "folded with a tab", RAW(GET HOST "X: a\r\n\tb\r\n\r\n"), "HTTP_FIELD_FOLDED" },
    { "space before the first field", RAW(GET " Host: a\r\n\r\n"), "HTTP_FIELD_FOLDED" },
    { "folded Transfer-Encoding", RAW(POST "Transfer-Encoding:\r\n chunked\r\n\r\n"),
      "HTTP_FIELD_FOLDED" },
    { "two Content-Types", RAW(POST "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"),
      "HTTP_FIELD_DUPLICATE" },
    { "two Authorizations", RAW(GET HOST "Authorization: a\r\nauthorization: b\r\n\r\n"),
      "HTTP_FIELD_DUPLICATE" },
    /* the length: request smuggling */
    { "two lengths", RAW(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
      "HTTP_LENGTH_INVALID" },
    { "the same length twice", RAW(POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello"),
      "HTTP_LENGTH_INVALID" },
    { "list of lengths", RAW(POST "Content-Length: 5, 5\r\n\r\nhello"), "HTTP_LENGTH_INVALID" },
    { "signed length", RAW(POST "Content-Length: +5\r\n\r\nhello"), "HTTP_LENGTH_INVALID" },
    { "negative length", RAW(POST "Content-Length: -1\r\n\r\n"), "HTTP_LENGTH_INVALID" },
    { "hex length", RAW(POST "Content-Length: 0x5\r\n\r\nhello"), "HTTP_LENGTH_INVALID" },
    { "length with a leading zero", RAW(POST "Content-Length: 05\r\n\r\nhello"),
      "HTTP_LENGTH_INVALID" },
    { "length with a space", RAW(POST "Content-Length: 5 5\r\n\r\n"), "HTTP_LENGTH_INVALID" },
    { "empty length", RAW(POST "Content-Length:\r\n\r\n"), "HTTP_LENGTH_INVALID" },
    { "length of 2^64", RAW(POST "Content-Length: 18446744073709551616\r\n\r\n"),
      "HTTP_LENGTH_INVALID" },
    { "length of 2^64-1", RAW(POST "Content-Length: 18446744073709551615\r\n\r\n"),
      "HTTP_BODY_TOO_LARGE" },
    { "CL.TE", RAW(POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
      "HTTP_LENGTH_CONFLICT" },
    { "TE.CL", RAW(POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n"),
      "HTTP_LENGTH_CONFLICT" },
    { "two codings", RAW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"),
      "HTTP_TRANSFER_CODING" },
    { "chunked on two lines",
      RAW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
               "chunked\r\n\r\n"),
      "HTTP_TRANSFER_CODING" },
    { "coding in 1.0", RAW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      "HTTP_TRANSFER_CODING" },
    { "chunked twice", RAW(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
      "HTTP_TRANSFER_CODING_UNKNOWN" },
    { "gzip, chunked", RAW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
      "HTTP_TRANSFER_CODING_UNKNOWN" },
    { "chunked, identity", RAW(POST "Transfer-Encoding: chunked, identity\r\n\r\n"),
      "HTTP_TRANSFER_CODING_UNKNOWN" },
    { "identity", RAW(POST "Transfer-Encoding: identity\r\n\r\n"), "HTTP_TRANSFER_CODING_UNKNOWN" },
    { "xchunked", RAW(POST "Transfer-Encoding: xchunked\r\n\r\n"), "HTTP_TRANSFER_CODING_UNKNOWN" },
    { "quoted chunked", RAW(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
      "HTTP_TRANSFER_CODING_UNKNOWN" },
    { "chunked with a parameter", RAW(POST "Transfer-Encoding: chunked;q=1\r\n\r\n"),
      "HTTP_TRANSFER_CODING_UNKNOWN" },
    { "empty coding", RAW(POST "Transfer-Encoding:\r\n\r\n"), "HTTP_TRANSFER_CODING_UNKNOWN" },
    { "vertical tab before chunked",
      RAW(POST "Transfer-Encoding: \x0b"
               "chunked\r\n\r\n"),
      "HTTP_CHARACTER" },
    { "coding with a space before the colon", RAW(POST "Transfer-Encoding : chunked\r\n\r\n"),
      "HTTP_FIELD_NAME" },
    { "POST of 1.0 without a length", RAW("POST / HTTP/1.0\r\n\r\nhello"), "HTTP_LENGTH_REQUIRED" },
    { "length past the route's limit", RAW(POST "Content-Length: 101\r\n\r\n"),
      "HTTP_BODY_TOO_LARGE" },
    /* chunks */
    { "no size", RAW(CHUNK "\r\n"), "HTTP_CHUNK_INVALID" },
    { "size of no digits", RAW(CHUNK "g\r\n"), "HTTP_CHUNK_INVALID" },
    { "0x size", RAW(CHUNK "0x3\r\nabc\r\n"), "HTTP_CHUNK_INVALID" },
    { "negative size", RAW(CHUNK "-1\r\n"), "HTTP_CHUNK_INVALID" },
    { "space before the size", RAW(CHUNK " 3\r\nabc\r\n"), "HTTP_CHUNK_INVALID" },
    { "space after the size", RAW(CHUNK "3 \r\nabc\r\n"), "HTTP_CHUNK_INVALID" },
    { "nine digits", RAW(CHUNK "000000003\r\nabc\r\n"), "HTTP_CHUNK_INVALID" },
    { "size that wraps to 3", RAW(CHUNK "100000003\r\nabc\r\n"), "HTTP_CHUNK_INVALID" },
    { "bare LF after the size", RAW(CHUNK "3\nabc\r\n"), "HTTP_CHUNK_INVALID" },
    { "CR without LF after the size", RAW(CHUNK "3\rabc\r\n"), "HTTP_CHUNK_INVALID" },
    { "data longer than the size", RAW(CHUNK "3\r\nabcd\r\n"), "HTTP_CHUNK_INVALID" },
    { "bare LF after the data", RAW(CHUNK "3\r\nabc\n0\r\n\r\n"), "HTTP_CHUNK_INVALID" },
    { "no line end after the data", RAW(CHUNK "3\r\nabc0\r\n\r\n"), "HTTP_CHUNK_INVALID" },
    { "extension without a size", RAW(CHUNK ";x\r\n"), "HTTP_CHUNK_INVALID" },
    { "bare LF in an extension", RAW(CHUNK "3;x\nabc\r\n"), "HTTP_CHUNK_EXTENSION" },
    { "CR in an extension", RAW(CHUNK "3;x\ry\r\nabc\r\n"), "HTTP_CHUNK_INVALID" },
    { "NUL in an extension", RAW(CHUNK "3;\0\r\nabc\r\n"), "HTTP_CHUNK_EXTENSION" },
    { "chunk past the route's limit", RAW(CHUNK "65\r\n"), "HTTP_BODY_TOO_LARGE" },
    { "largest chunk", RAW(CHUNK "ffffffff\r\n"), "HTTP_BODY_TOO_LARGE" },
    { "chunks past the limit together", RAW(CHUNK "3\r\nabc\r\n62\r\n"), "HTTP_BODY_TOO_LARGE" },
    { "Content-Length as a trailer", RAW(CHUNK "0\r\nContent-Length: 5\r\n\r\n"),
      "HTTP_TRAILER_INVALID" },
    { "Transfer-Encoding as a trailer", RAW(CHUNK "0\r\nTransfer-Encoding: x\r\n\r\n"),
      "HTTP_TRAILER_INVALID" },
    { "Host as a trailer", RAW(CHUNK "0\r\nHost: b\r\n\r\n"), "HTTP_TRAILER_INVALID" },
    { "Authorization as a trailer", RAW(CHUNK "0\r\nAuthorization: b\r\n\r\n"),
      "HTTP_TRAILER_INVALID" },
    { "folded trailer", RAW(CHUNK "0\r\nx: y\r\n z\r\n\r\n"), "HTTP_TRAILER_INVALID" },
    { "trailer without a colon", RAW(CHUNK "0\r\nx\r\n\r\n"), "HTTP_TRAILER_INVALID" },
    { "request in place of trailers", RAW(CHUNK "0\r\nGET / HTTP/1.1\r\n\r\n"),
      "HTTP_TRAILER_INVALID" },
    { "bare LF in trailers", RAW(CHUNK "0\r\nx: y\n\r\n"), "HTTP_LINE_ENDING" },
    { "bare LF for the end", RAW(CHUNK "0\r\n\n"), "HTTP_LINE_ENDING" },
    /* connection */
    { "Connection: Content-Length",
      RAW(POST "Content-Length: 0\r\nConnection: Content-Length\r\n\r\n"),
      "HTTP_CONNECTION_INVALID" },
    { "Connection: close, host", RAW(GET HOST "Connection: close, Host\r\n\r\n"),
      "HTTP_CONNECTION_INVALID" },
    { "Connection: Authorization", RAW(GET HOST "Connection: authorization\r\n\r\n"),
      "HTTP_CONNECTION_INVALID" },
    { "Connection: no token", RAW(GET HOST "Connection: a b\r\n\r\n"), "HTTP_CONNECTION_INVALID" },
    { "upgrade with a body",
      RAW(GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Content-Length: 5\r\n\r\nhello"),
      "HTTP_CONNECTION_INVALID" },
    { "upgrade with chunks",
      RAW(GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      "HTTP_CONNECTION_INVALID" },
    { "unknown expectation", RAW(POST "Expect: 200-ok\r\n\r\n"), "HTTP_EXPECTATION_UNKNOWN" },
    { "list of expectations", RAW(POST "Expect: 100-continue, x\r\n\r\n"),
      "HTTP_EXPECTATION_UNKNOWN" },
};

static const char *talk_of(struct span bytes, size_t piece)
{
    static char text[TALK];
    struct sink out = sink_over(text, sizeof text - 1);
    conversation(bytes, piece, BODY_LIMIT, &out);
    assert_true(sink_ok(&out));
    text[out.len] = 0;
    return text;
}

/* The last line is the refusal. */
static bool ends_with(const char *talk, const char *reason)
{
    size_t len = strlen(talk);
    size_t want = strlen(reason);
    if (len < want + 1 || talk[len - 1] != '\n' ||
        strncmp(&talk[len - 1 - want], reason, want) != 0)
        return false;
    return len == want + 1 || talk[len - 2 - want] == '\n';
}

static void test_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        for (size_t piece = 1; piece < taken[i].bytes.len + 2; piece++) {
            const char *got = talk_of(taken[i].bytes, piece);
            if (strcmp(got, taken[i].talk) != 0)
                fail_msg("%s, pieces of %zu: %s", taken[i].name, piece, got);
        }
    }
}

static void test_refused(void **state)
{
    (void)state;
    assert_true(COUNT_OF(refused) > 2 * COUNT_OF(taken));
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        char whole[TALK];
        snprintf(whole, sizeof whole, "%s", talk_of(refused[i].bytes, SIZE_MAX));
        if (!ends_with(whole, refused[i].talk))
            fail_msg("%s: %s", refused[i].name, whole);
        for (size_t piece = 1; piece < refused[i].bytes.len; piece++) {
            const char *got = talk_of(refused[i].bytes, piece);
            if (strcmp(got, whole) != 0)
                fail_msg("%s, pieces of %zu: %s", refused[i].name, piece, got);
        }
    }
}

/* No prefix of a request is a request: it is cut off, and says so. */
static void test_truncation(void **state)
{
    (void)state;
    static const struct span rows[] = {
        RAW(GET HOST "X: y\r\n\r\n"),
        RAW(POST "Content-Length: 5\r\n\r\nhello"),
        RAW(CHUNK "3;e\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n"),
        RAW("POST http://a/%20?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            "Content-Length: 1\r\n\r\nx"),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t len = 1; len < rows[i].len; len++) {
            const char *got = talk_of(span_of(rows[i].at, len), 3);
            if (!ends_with(got, "HTTP_TRUNCATED") || strstr(got, "done") != NULL)
                fail_msg("row %zu, %zu bytes: %s", i, len, got);
        }
        assert_non_null(strstr(talk_of(rows[i], 3), "done"));
    }
}

/* Every byte of a request set to every value: never two requests, never a crash, and
   always the same answer in one piece and byte by byte. */
static void test_every_byte(void **state)
{
    (void)state;
    static const uint8_t good[] = CHUNK "3;e\r\nabc\r\n0\r\nx: y\r\n\r\n";
    uint8_t bad[sizeof good];
    for (size_t i = 0; i < sizeof good - 1; i++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(bad, good, sizeof good);
            bad[i] = (uint8_t)value;
            char whole[TALK];
            snprintf(whole, sizeof whole, "%s", talk_of(span_of(bad, sizeof good - 1), SIZE_MAX));
            assert_string_equal(talk_of(span_of(bad, sizeof good - 1), 1), whole);
            const char *done = strstr(whole, "done");
            assert_true(done == NULL || strstr(done + 1, "done") == NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_taken, ""),
        TEST(test_refused, "PC-34"),
        TEST(test_truncation, ""),
        TEST(test_every_byte, ""),
    };
    return RUN_TESTS(tests);
}
