/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The fake firmware's tables and console; see fake_firmware.h.  The application's assembly stands
 * here too: what happens after boot services ends in the test instead of in a guest.
 */
#include "fake_firmware.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "efi_workspace.h"
#include "fake_services.h"

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);
uint64_t efi_set_canary_base(void *block);
void efi_restore_canary_base(uint64_t before);
void efi_switch(uint64_t root, void *stack_top, void (*function)(void *), void *argument)
    __attribute__((noreturn));
void efi_enter_mover(uint32_t entry, uint32_t region) __attribute__((noreturn));

struct fake fake;
static jmp_buf out_of_boot_services;

/* What boot/resident_images.asm, boot/mover_blob.asm and the linker script give, here all empty. */
__asm__(".pushsection .data\n"
        ".globl resident64_image, resident64_image_end, resident32_image, resident32_image_end\n"
        ".globl mover_image, mover_image_end, efi_constructors, efi_constructors_end\n"
        ".balign 16\n"
        "resident64_image: resident64_image_end: resident32_image: resident32_image_end:\n"
        "mover_image: mover_image_end: efi_constructors: efi_constructors_end:\n"
        ".quad 0\n"
        ".popsection");

uint64_t efi_set_canary_base(void *block)
{
    fake.workspace = (uint8_t *)block - offsetof(struct workspace, canary);
    fake.canary_base = (UINTN)block;
    return FAKE_CANARY_BASE;
}

void efi_restore_canary_base(uint64_t before)
{
    fake.canary_base = before;
}

void efi_switch(uint64_t root, void *stack_top, void (*function)(void *), void *argument)
{
    assert_int_equal(root & 0xfff, 0);
    assert_int_equal((UINTN)stack_top & 15, 0);
    assert_non_null(function);
    assert_ptr_equal(argument, fake.workspace);
    fake.left = true;
    longjmp(out_of_boot_services, 1);
}

void efi_enter_mover(uint32_t entry, uint32_t region)
{
    (void)entry;
    (void)region;
    longjmp(out_of_boot_services, 1);
}

/* Serial ports that nobody listens to (lib/console.c's need a machine). */
static void no_put(struct out *out, const char *text, size_t size)
{
    (void)out;
    (void)text;
    (void)size;
}

void console_init(struct console *console, const uint16_t *uart, uint32_t uart_count, uint32_t baud,
                  bool vga, bool debugcon, uint8_t *vga_memory)
{
    (void)uart;
    assert_true(uart_count <= CONSOLE_UART_MAX && baud);
    assert_false(vga || debugcon || vga_memory);
    *console = (struct console){.out = {.put = no_put}};
}

static EFI_STATUS EFIAPI output(SIMPLE_TEXT_OUTPUT_INTERFACE *self, CHAR16 *text)
{
    size_t used = strlen(fake.console);
    (void)self;
    assert_false(fake.left);
    for (; *text && used + 1 < sizeof(fake.console); text++)
        if (*text != '\r')
            fake.console[used++] = (char)*text;
    fake.console[used] = 0;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI read_key(SIMPLE_INPUT_INTERFACE *self, EFI_INPUT_KEY *ret)
{
    (void)self;
    if (!fake.keys || !*fake.keys)
        return EFI_NOT_READY;
    *ret = (EFI_INPUT_KEY){.UnicodeChar = (CHAR16)*fake.keys++};
    return EFI_SUCCESS;
}

void fake_reset(void)
{
    memset(&fake, 0, sizeof(fake));
    fake_memory_reset();
}

void fake_file_text(unsigned index, const char *path, const char *text)
{
    fake.file[index] = (struct fake_file){.path = path, .data = text, .size = strlen(text)};
}

EFI_STATUS fake_start(void)
{
    static SIMPLE_TEXT_OUTPUT_INTERFACE console = {.OutputString = output};
    static SIMPLE_INPUT_INTERFACE keyboard = {.ReadKeyStroke = read_key};
    static EFI_SYSTEM_TABLE table;
    static volatile EFI_STATUS status;

    table = (EFI_SYSTEM_TABLE){.ConOut = &console,
                               .ConIn = &keyboard,
                               .BootServices = fake_boot_services(),
                               .RuntimeServices = fake_runtime_services()};
    status = EFI_SUCCESS;
    fake.canary_base = FAKE_CANARY_BASE;
    if (setjmp(out_of_boot_services) == 0) {
        status = efi_main(fake_image_handle(), &table);
        assert_int_equal(fake.canary_base, FAKE_CANARY_BASE);
    }
    return status;
}

void fake_refuses(enum refusal_id id)
{
    char expected[96];
    EFI_STATUS status = fake_start();

    snprintf(expected, sizeof(expected), "paravane: refused: %s: ", refusal_name(id));
    if (!strstr(fake.console, expected))
        print_error("expected %s, console:\n%s\n", expected, fake.console);
    assert_non_null(strstr(fake.console, expected));
    assert_non_null(strstr(fake.console, "back to the firmware"));
    assert_int_equal(status, EFI_LOAD_ERROR);
    assert_false(fake.left);
}
