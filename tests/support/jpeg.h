/*
 * support/jpeg.h - small progressive JPEGs as cjpeg (libjpeg-turbo 2.1.5) writes them, of a 24
 * by 16 picture: `cjpeg -progressive -quality 40`, with -restart 1B, and with -grayscale.
 */
#ifndef WEIR_TESTS_JPEG_H
#define WEIR_TESTS_JPEG_H

#include <stdint.h>

extern const uint8_t jpeg_colour[629];
extern const uint8_t jpeg_restarts[693];
extern const uint8_t jpeg_grey[350];

#endif
