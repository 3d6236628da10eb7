/*
 * http/error_text.c - see http/error_text.h.
 */
#include "engine/http/error_text.h"

#include "engine/base/text.h"

static const struct {
  unsigned status;
  const char *text;
} texts[] = {
    {400, "400 Bad Request\nThe request is not one that can be served.\n"},
    {403, "403 Forbidden\nAccess to this address is not allowed.\n"},
    {404, "404 Not Found\nThere is nothing at this address.\n"},
    {405, "405 Method Not Allowed\nThe field allow lists the methods of this address.\n"},
    {408, "408 Request Timeout\nThe request took too long.\n"},
    {411, "411 Length Required\nThe request must tell the length of its content.\n"},
    {412, "412 Precondition Failed\nThe file is not the version that you asked about.\n"},
    {414, "414 URI Too Long\nThe address is too long.\n"},
    {416, "416 Range Not Satisfiable\nThe file ends before the range that you asked for.\n"},
    {417, "417 Expectation Failed\nThe only expectation that can be met is 100-continue.\n"},
    {421, "421 Misdirected Request\nThis host is not served over this connection.\n"},
    {429, "429 Too Many Requests\nPlease wait a little.\n"},
    {431, "431 Request Header Fields Too Large\nThe fields are too many or too large.\n"},
    {500, "500 Internal Server Error\nThe answer could not be made.\n"},
    {501, "501 Not Implemented\nThere is no such method or tunnel here.\n"},
    {503, "503 Service Unavailable\nToo much to do at present; please try again.\n"},
    {505, "505 HTTP Version Not Supported\nThis connection speaks HTTP/1.0 and HTTP/1.1.\n"},
};

struct span error_text(unsigned status) {
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (texts[i].status == status) return span_text(texts[i].text);
  return (struct span){0};
}
