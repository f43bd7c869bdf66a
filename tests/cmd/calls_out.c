/* calls_out.c - a part of a program that calls home: loaded into `ward` by cmd/test_offline, it
   sends one datagram to 192.0.2.1, port 9, when the program ends. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

__attribute__((destructor)) static void call_out(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(0xc0000201);
    if (fd < 0 || sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to) != 1)
        _exit(99);
    close(fd);
}
