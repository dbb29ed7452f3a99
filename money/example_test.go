package money_test

import (
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/money"
)

func ExampleParse() {
	price, err := money.Parse("2.5")
	if err != nil {
		fmt.Println(err)
		return
	}
	total, err := price.Mul(1000)
	fmt.Println(total, err)
	_, err = total.Sub(money.SAGE(2501))
	fmt.Println(errors.Is(err, money.ErrRange))
	_, err = money.Parse("1e3")
	fmt.Println(err)
	// Output:
	// 2500 <nil>
	// true
	// money: an amount is written as in 1000 or 2.5, without sign, exponent or separators
}
