// The services of the measurement on gVisor's netstack: `gvisor INTERFACE ADDRESS MTU DEVICE`, where DEVICE is 1500, 1500-offload or
// 65535. Every five milliseconds it writes how many bytes its sinks have read, a line each. It ends when its input does.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	sinkPort   = 5001
	sourcePort = 5002
	echoPort   = 5003
	piece      = 256 * 1024
	period     = 251

	vnetHeader    = 10
	needsChecksum = 1
	gsoTCPv4      = 1
	// TUNSETOFFLOAD's TUN_F_CSUM and TUN_F_TSO4.
	offloads = 1 | 2
)

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "gvisor: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func refused(err tcpip.Error, what string) {
	if err != nil {
		check(fmt.Errorf("%s", err), what)
	}
}

// openTun opens a queue of the interface.
func openTun(name string, offload bool) int {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	check(err, "/dev/net/tun")
	var request struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], name)
	request.flags = unix.IFF_TUN | unix.IFF_NO_PI
	if offload {
		request.flags |= unix.IFF_VNET_HDR
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		check(errno, name)
	}
	if offload {
		check(unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads), "offload")
	}
	return fd
}

// offloaded is a TUN device with a vnet header before each packet. Netstack's own endpoint over descriptors has that for sockets alone.
type offloaded struct {
	*channel.Endpoint
	fd int
}

func (o *offloaded) GSOMaxSize() uint32 { return 65_535 }

func (o *offloaded) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	written := 0
	for _, packet := range packets.AsSlice() {
		var head [vnetHeader]byte
		if options := packet.GSOOptions; options.Type != stack.GSONone {
			binary.LittleEndian.PutUint16(head[2:], uint16(packet.HeaderSize()))
			if options.NeedsCsum {
				head[0] = needsChecksum
				binary.LittleEndian.PutUint16(head[6:], options.L3HdrLen)
				binary.LittleEndian.PutUint16(head[8:], options.CsumOffset)
			}
			if packet.Data().Size() > int(options.MSS) {
				head[1] = gsoTCPv4
				binary.LittleEndian.PutUint16(head[4:], options.MSS)
			}
		}
		if _, err := unix.Writev(o.fd, append([][]byte{head[:]}, packet.AsSlices()...)); err != nil {
			return written, &tcpip.ErrNoBufferSpace{}
		}
		written++
	}
	return written, nil
}

func (o *offloaded) deliver() {
	var head [vnetHeader]byte
	for {
		view := bufferv2.NewViewSize(1 << 16)
		count, err := unix.Readv(o.fd, [][]byte{head[:], view.AsSlice()})
		if err == unix.EINTR {
			continue
		}
		check(err, "reading the device")
		view.CapLength(count - vnetHeader)
		packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: bufferv2.MakeWithView(view)})
		packet.RXChecksumValidated = true
		o.InjectInbound(header.IPv4ProtocolNumber, packet)
		packet.DecRef()
	}
}

func listen(s *stack.Stack, port uint16, hold func(net.Conn)) {
	listener, err := gonet.ListenTCP(s, tcpip.FullAddress{Port: port}, ipv4.ProtocolNumber)
	check(err, "listening")
	go func() {
		for {
			connection, err := listener.Accept()
			check(err, "accepting")
			go hold(connection)
		}
	}()
}

func main() {
	if len(os.Args) != 5 {
		check(fmt.Errorf("INTERFACE ADDRESS MTU DEVICE are needed"), "arguments")
	}
	mtu, err := strconv.ParseUint(os.Args[3], 10, 32)
	check(err, "the MTU")
	offload := os.Args[4] == "1500-offload"
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	sack := tcpip.TCPSACKEnabled(true)
	refused(s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack), "SACK")
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	refused(s.SetTransportProtocolOption(tcp.ProtocolNumber, &moderate), "buffers that grow")

	fd := openTun(os.Args[1], offload)
	var link stack.LinkEndpoint
	if offload {
		device := &offloaded{channel.New(1, uint32(mtu), ""), fd}
		// Not that of sending: segments without an offload of their own would leave without a checksum.
		device.LinkEPCapabilities = stack.CapabilityRXChecksumOffload
		device.SupportedGSOKind = stack.HostGSOSupported
		link = device
	} else {
		link, err = fdbased.New(&fdbased.Options{FDs: []int{fd}, MTU: uint32(mtu)})
		check(err, "the device")
	}
	refused(s.CreateNIC(1, link), "the interface")
	address := tcpip.Address(net.ParseIP(os.Args[2]).To4())
	refused(s.AddProtocolAddress(1, tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: address, PrefixLen: 24},
	}, stack.AddressProperties{}), "the address")
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	if device, ok := link.(*offloaded); ok {
		go device.deliver()
	}

	var received uint64
	listen(s, sinkPort, func(connection net.Conn) {
		buffer := make([]byte, piece)
		for {
			count, err := connection.Read(buffer)
			if err != nil {
				return
			}
			atomic.AddUint64(&received, uint64(count))
		}
	})
	pattern := make([]byte, piece+period)
	for n := range pattern {
		pattern[n] = byte(n % period)
	}
	listen(s, sourcePort, func(connection net.Conn) {
		for position := 0; ; {
			begin := position % period
			count, err := connection.Write(pattern[begin : begin+piece])
			if err != nil {
				return
			}
			position += count
		}
	})
	listen(s, echoPort, func(connection net.Conn) {
		buffer := make([]byte, piece)
		for {
			count, err := connection.Read(buffer)
			if err != nil {
				return
			}
			if _, err = connection.Write(buffer[:count]); err != nil {
				return
			}
		}
	})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for range time.Tick(5 * time.Millisecond) {
		fmt.Println(atomic.LoadUint64(&received))
	}
}
