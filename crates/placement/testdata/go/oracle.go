// Asks Go's packages which server owns each key: oracle groupcache [POINTS]|mcset|gomemcache < questions (see vectors.py).
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/golang/groupcache/consistenthash"
	"github.com/spaolacci/murmur3"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	servers, weights := []string{}, []int{}
	for lines.Scan() && lines.Text() != "" {
		words := strings.Fields(lines.Text())
		server := words[0] + ":" + words[1]
		if words[3] != "-" {
			server = words[3]
		} else if os.Args[1] == "groupcache" {
			// A peer is known by its URL.
			server = "http://" + server
		}
		servers = append(servers, server)
		weight, err := strconv.Atoi(words[2])
		if err != nil {
			panic(err)
		}
		weights = append(weights, weight)
	}
	owner := chosen(os.Args[1], servers, weights)
	indexes := map[string]int{}
	for index, server := range servers {
		indexes[server] = index
	}
	for lines.Scan() {
		key, err := hex.DecodeString(lines.Text())
		if err != nil {
			panic(err)
		}
		index, found := indexes[owner(string(key))]
		if !found {
			panic("an owner that is no server")
		}
		fmt.Println(index)
	}
}

func chosen(kind string, servers []string, weights []int) func(string) string {
	switch kind {
	case "groupcache":
		// What HTTPPool.Set does: 50 points unless its options say otherwise, addresses in the order given.
		points := 50
		if len(os.Args) > 2 {
			points, _ = strconv.Atoi(os.Args[2])
		}
		ring := consistenthash.New(points, nil)
		ring.Add(servers...)
		return ring.Get
	case "mcset":
		// What MCSet.SetEndpoints does: addresses in ascending order, 150 points of MurmurHash3.
		ring := consistenthash.New(150, murmur3.Sum32)
		sorted := append([]string{}, servers...)
		sort.Strings(sorted)
		ring.Add(sorted...)
		return ring.Get
	case "gomemcache":
		// Its documentation gives a server more weight by listing it more often.
		listed := []string{}
		for index, server := range servers {
			for range make([]struct{}, weights[index]) {
				listed = append(listed, server)
			}
		}
		selector := &memcache.ServerList{}
		if err := selector.SetServers(listed...); err != nil {
			panic(err)
		}
		return func(key string) string {
			address, err := selector.PickServer(key)
			if err != nil {
				panic(err)
			}
			return address.String()
		}
	}
	panic("no placement " + kind)
}
