/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first C code of every test guest: checks that the image arrived whole before anything is
 * written to it, then goes on through the door it was entered by.
 */
#include "guest.h"

struct entry_state entry_state __attribute__((section(".data")));

/* Initialised data in a segment of its own, and a good deal of zero fill. */
static uint32_t data_pattern[3000] = {[0] = 0x10203040, [1500] = 0x55667788, [2999] = 0xa5a5f00f};
static uint8_t zero_fill[96 * 1024];

void guest_main(void);

void guest_main(void)
{
    /* check_image must come before the first print: it looks at bss. */
    void (*door)(void) = entry_state.door == DOOR_PV    ? pv_main
                         : entry_state.door == DOOR_PVH ? pvh_main
                                                        : native_main;
    check_image();
    check_equal("first word of data", data_pattern[0], 0x10203040);
    check_equal("middle word of data", data_pattern[1500], 0x55667788);
    check_equal("last word of data", data_pattern[2999], 0xa5a5f00f);
    check_equal("another word of data", data_pattern[777], 0);
    zero_fill[sizeof(zero_fill) - 1] = 1;
    door();
}
