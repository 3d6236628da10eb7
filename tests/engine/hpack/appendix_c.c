/*
 * hpack/appendix_c.c - the examples of RFC 7541 appendices C.2 to C.6.
 */
#include "tests/engine/hpack/appendix_c.h"

/* clang-format off */
const struct appendix_c appendix_c[] = {
    {"C.2.1", 4096,
     "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
     "custom-key: custom-header\n",
     "custom-key: custom-header\n", 55},
    {"C.2.2", 4096,
     "040c2f73616d706c652f70617468",
     ":path: /sample/path\n","", 0},
    {"C.2.3", 4096,
     "100870617373776f726406736563726574",
     "password: secret\n","", 0},
    {"C.2.4", 4096,
     "82",
     ":method: GET\n","", 0},
    {"C.3.1", 4096,
     "828684410f7777772e6578616d706c652e636f6d",
     ":method: GET\n"
     ":scheme: http\n"
     ":path: /\n"
     ":authority: www.example.com\n",
     ":authority: www.example.com\n", 57},
    {"C.3.2", 0,
     "828684be58086e6f2d6361636865",
     ":method: GET\n"
     ":scheme: http\n"
     ":path: /\n"
     ":authority: www.example.com\n"
     "cache-control: no-cache\n",
     "cache-control: no-cache\n"
     ":authority: www.example.com\n", 110},
    {"C.3.3", 0,
     "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
     ":method: GET\n"
     ":scheme: https\n"
     ":path: /index.html\n"
     ":authority: www.example.com\n"
     "custom-key: custom-value\n",
     "custom-key: custom-value\n"
     "cache-control: no-cache\n"
     ":authority: www.example.com\n", 164},
    {"C.4.1", 4096,
     "828684418cf1e3c2e5f23a6ba0ab90f4ff",
     ":method: GET\n"
     ":scheme: http\n"
     ":path: /\n"
     ":authority: www.example.com\n",
     ":authority: www.example.com\n", 57},
    {"C.4.2", 0,
     "828684be5886a8eb10649cbf",
     ":method: GET\n"
     ":scheme: http\n"
     ":path: /\n"
     ":authority: www.example.com\n"
     "cache-control: no-cache\n",
     "cache-control: no-cache\n"
     ":authority: www.example.com\n", 110},
    {"C.4.3", 0,
     "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
     ":method: GET\n"
     ":scheme: https\n"
     ":path: /index.html\n"
     ":authority: www.example.com\n"
     "custom-key: custom-value\n",
     "custom-key: custom-value\n"
     "cache-control: no-cache\n"
     ":authority: www.example.com\n", 164},
    {"C.5.1", 256,
     "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a32"
     "3120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
     ":status: 302\n"
     "cache-control: private\n"
     "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
     "location: https://www.example.com\n",
     "location: https://www.example.com\n"
     "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
     "cache-control: private\n"
     ":status: 302\n", 222},
    {"C.5.2", 0,
     "4803333037c1c0bf",
     ":status: 307\n"
     "cache-control: private\n"
     "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
     "location: https://www.example.com\n",
     ":status: 307\n"
     "location: https://www.example.com\n"
     "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
     "cache-control: private\n", 222},
    {"C.5.3", 0,
     "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a6970"
     "7738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d61"
     "67653d333630303b2076657273696f6e3d31",
     ":status: 200\n"
     "cache-control: private\n"
     "date: Mon, 21 Oct 2013 20:13:22 GMT\n"
     "location: https://www.example.com\n"
     "content-encoding: gzip\n"
     "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n",
     "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"
     "content-encoding: gzip\n"
     "date: Mon, 21 Oct 2013 20:13:22 GMT\n", 215},
    {"C.6.1", 256,
     "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad"
     "171863c78f0b97c8e9ae82ae43d3",
     ":status: 302\n"
     "cache-control: private\n"
     "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
     "location: https://www.example.com\n",
     "location: https://www.example.com\n"
     "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
     "cache-control: private\n"
     ":status: 302\n", 222},
    {"C.6.2", 0,
     "4883640effc1c0bf",
     ":status: 307\n"
     "cache-control: private\n"
     "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
     "location: https://www.example.com\n",
     ":status: 307\n"
     "location: https://www.example.com\n"
     "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
     "cache-control: private\n", 222},
    {"C.6.3", 0,
     "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2"
     "e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
     ":status: 200\n"
     "cache-control: private\n"
     "date: Mon, 21 Oct 2013 20:13:22 GMT\n"
     "location: https://www.example.com\n"
     "content-encoding: gzip\n"
     "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n",
     "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"
     "content-encoding: gzip\n"
     "date: Mon, 21 Oct 2013 20:13:22 GMT\n", 215},
};
/* clang-format on */

const size_t appendix_c_count = sizeof appendix_c / sizeof *appendix_c;
