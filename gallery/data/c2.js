usaeViz.add({
 "concept": 2,
 "grid": 12,
 "backbones": [
  {
   "name": "vit",
   "top": 5.231179237365723,
   "examples": [
    {
     "image": "f71a4d32489e8c7e3e2d6a41ce669d2d92ef5503fbf21e8711e3cbba3b6b99de",
     "peak": 5.231179237365723,
     "values": "hp6zwMHBwbu5uaObpLrAy8rIx77Gw7m4nrrN297h3drd2cG+psfh6OjfxcLY68e9scjb6em0xLvE4NS/sMTf69vu/+nC39S7ts7n6ev68PHE1ta7uMbk5ufr5+DV8s3At8nh6+Xn4eLd3Mi9t8vb4t3h29rf1crAq7nDy8rKzMPHwbWvpLG2vbm2s7K0sq+k"
    },
    {
     "image": "b22ccf1b1848ed75bb235b023fbf212830e2d2a7b407074395364be1a7eab20f",
     "peak": 4.914988040924072,
     "values": "nbzFzc3Ny8W9vbers8zd3N7j4dC6z8PBvNLh5+zv7OXAwMzXvtDl8fDu6cnDwOXQuNbq6+/29fq95tjOwNfn6vDw9vzp/+rXxNTq8ezw+O/1++HPuNnn6/T37+716tjRutHg7fDu7vDs5tnMvcrh7Ofv7+rn6dTErMPKztXY19XTzb+5pbm8x8LCxsi+wMKu"
    },
    {
     "image": "3b37d1d86c52fcab1653ebc6b6239d80f37d26ae06999a4fa20d0d9dd947447d",
     "peak": 4.830718040466309,
     "values": "n6zHwrzMxMTPwrm4vMzb4ePk49/W3sy/xNDf7O3p5+bl5tbPw8/r8u7b1+Lc3NXMxNnz/fTKq7LK5trLx9nr//bY1aGhzNXVxtPw8fD69NTJ5ODMxNvt9v74+Pbr9NbGxdbr9fT18u/18dfTwcbn6Of07u3o5dnPr8jZ09bY1s/N1MW9scLHzM/LycTNybi2"
    },
    {
     "image": "3e1b8d961d5797a0e66030c4da979725e55d6ed48857cf020c056e100c084825",
     "peak": 4.882316589355469,
     "values": "m7W/ycXJysrFuayptL/Y1OLo4tfV0MG5u8DE7vXy3uLl4MrAvM287fHv7+nn5drMs8e8zeTi8O3m6NbJtM/b7uzm9ujj5dnRutbp7fn/7efl5tbIvs3p+vvz6+/o49THrsrc4+bv7eji49i9rcLR3ujj4uTi4M68rbfEyc3L0M/MycK7rrS5urzBubjAvLSl"
    },
    {
     "image": "868b222a31a9315076f0713b5faa4497233ecbbde4d399963b484db2c84dee37",
     "peak": 4.707810878753662,
     "values": "pr/EysvGztLIxbu0u8vb4tzc3+Di4cW5vs7b8vzv6evv5trQxNTSxeT69OXu7NfMvKq4x8/18PHv8OHTrKP7++jo+Ovv7uLOudP58P/w9vT76uHPxtXx7vr28/L18N3Pvtfe5vT57fPx6NTNudDb5Ofv8+3q5tnFucrQ09je2tPWy8bDubvDzcXLzcjBwcGz"
    },
    {
     "image": "8c51084be1bb5f890bfe949b0524e982d217f1a15e7392a10d77af9c0e5666bc",
     "peak": 4.794454097747803,
     "values": "o7/ExsnIxMW3opyuvcvb4+Hh4MOjf4Kqvs7h6u3s77WRlaOuvdjn7Ozo682yqo+pvNXk8PHs8vDTzNDMvtPi7vDs7PHz9eXKwNDj8PXw8vHt793PwM/w8u329e/t5dTIwM7o59//6+fl39zNtdfb1uz55ubg3dPCpcXTwdvY0czMzcG8q8DNy9bPyMXFxbqs"
    },
    {
     "image": "43c40f37fa19f7eeb6f9604d184418f60d31ffef3f0cee5811dab944172a9fa3",
     "peak": 4.642086982727051,
     "values": "qcXLy8O5ucbKzbmts83d4NXY2Nvn38m8tNDs8u/ix8Dm6t3Jt9zu/O7GyMrl7N/KvNbs9/XRwbnT69vGudj3+vvlxbzq9ujKwtju9vnu7vb59t/Hu9P0//399/317+PIvtrz+Pf49fj49ePKutjp9O3y9fT189/FpsDS29zX1tfY0sq9lra6v7m5wsC/wreq"
    },
    {
     "image": "51b1f88c514298178f4add724482e880d5be735a2dca4dc1dc9732209c904d5c",
     "peak": 4.811968803405762,
     "values": "ma+1vsXJxb+8va6ru8W/4uHe19nWz7q1qq7C6/nr4OHf2szFn+Lh+f/h4uPf383Auebx/uvh6ubb3s69wNXr8OTi4eXZ1M/Hu9Di8erkx97MxN3GwdLL7Pjv0MC7yuDBu9TF5fzm4dTY6NS1u87s1/Xj3ezy7Mu4rcLY1dfUx83OxrKvobK0xcjBu7m1srKm"
    },
    {
     "image": "1d1f2f36a698c73a7e73b9fcbe57c67d5c7eac89f26350b50e5b5c9a43b657ad",
     "peak": 4.75897741317749,
     "values": "nK+4xcfEx8fGyLiirMHT3dfU3djS1cmyr8ri7+Tm4+rh4dS+sszh6+Xq3OXn6te+s8rd7fLv59jz5d3DuM/l7Pz27d7/69a/vdPn6PHq0Nn85NW+v9br6+TR3Prz5Na4tdDq9e/y6/Dt4dG2s87i6+rt5+nm3cqvqMDHy8rMysfBxLWoo6mxtLa3tbOxsqeU"
    }
   ]
  },
  {
   "name": "dla",
   "top": 5.599344730377197,
   "examples": [
    {
     "image": "b22ccf1b1848ed75bb235b023fbf212830e2d2a7b407074395364be1a7eab20f",
     "peak": 5.436575412750244,
     "values": "ZofK1KaSmH5FAGZ6haDV3rqilXtUS2FsxdLs8eHAjXMAAFhQ1eD3+uvKl4AAAFA9t8v1+djAsaGRc0cAtcbo68/FzcKkhmhZ0NDR0tHZ6+PAsLO00M/N0dvp/PbZ0Nvht8Pa6O31//3u5uPhpbfZ6ebp8vPs5uTinKvK08XG1dnR097kl6bDyLS0xsvEydzl"
    },
    {
     "image": "3e1b8d961d5797a0e66030c4da979725e55d6ed48857cf020c056e100c084825",
     "peak": 5.0779314041137695,
     "values": "eX2Gelpyw+3vzolng4eOiHOL0PPz1pt9l5qfo6W86f7857+qmp6kqa3C6P3/7sm2jJKem4qbz+/76rqioqWrooqa0e/z4bah29XKva2+7vvm0r+14N7Z0srY+//j0srGtL/X4uDn+fnp39nWorLS5evt7Obc19XUrLXJ2+ro1Ma9usDCsLfF1erlybatrLW5"
    },
    {
     "image": "868b222a31a9315076f0713b5faa4497233ecbbde4d399963b484db2c84dee37",
     "peak": 5.17989444732666,
     "values": "mJ+struznaXJxZeBjJSjrrW1r7fMx6eXdH6Rn6i61N3UzMbDXml/kJu03evg2NHOAFZtf4ylyuTz6sm4AFd3kKK3zuT678WvUmucwt3q6e305sSzZ4S/5vr/9O3s4s3DhaPe+/r17efk4d/elq/i9uvl5OPh3NXSmqrK1c3P2uHj0q+enai+xb7E1uDkzZyE"
    },
    {
     "image": "5692b981a1d3cc844c1a0f588e419d92d9022b9ad41af4d39a1bb415a9d05696",
     "peak": 4.991673469543457,
     "values": "hZrCvoyS0O3r4M/GmKnKyKKo2fHx5c3Bvcba3c/U6/n97cm4ws3j59nV3OXx6Mm6qb3l5sGtqbTN1c3IpLLPy6eSipSuxNbeta6hlYuEAIWTs+T9xraXhYKEipGZteb/2Muwm4yRqbi9ydzl3M+2qKavxMzGwsHB0cSqrs/e28yxoJeTzL+ksOT2582nj4J8"
    },
    {
     "image": "885b43e50f47012af96e98af162ec8b696f882cfb8f0bcea62724fa3447ece8a",
     "peak": 5.541385650634766,
     "values": "lIJcRwAAAEeZuKacoo5nUAAAAE2hv6mevKd7YQAAAFmwza+g0LqOcgAAAGy917ip3MifhHdtZ4XI3cW4693Aq5yTj6XT4c/F/Pny59jMxcvf4tbQ8vb//vTo3Nrk4tbQzdbo8fHo1dPi4c/Gs8Hc6ungz8vUzbitpbfb59rPyMC4qZGGnrLb5tLHxLuqln5y"
    },
    {
     "image": "f71a4d32489e8c7e3e2d6a41ce669d2d92ef5503fbf21e8711e3cbba3b6b99de",
     "peak": 5.2349748611450195,
     "values": "iY+brMDV6M6FbYaSjJmyvr27uKN7dpKgk6ze4reJWU5piKu8pL3w6KZqAABkjq6+wc3lz4teAABuiJ2n1Nvo0pd0aGt9jJmf3Ob58Mmsl4+TmaKmzdz6/+rUvbCrrbS4qL7r//ru2s3HyNDUmbHh9/Tr39jZ2draoLXd6dfNy9Hh4dPLpLbb4cm+wc3l5c/E"
    },
    {
     "image": "e9c7ff2128eb770a3bcd954718517a5e01759266dc2dd1636ca1ebc8f5f5d4ce",
     "peak": 4.945462226867676,
     "values": "l6S+p2BMbJO/xKKRsba/p21Za5DK1rWk5dnBpocAaIzf+dvM/e7RtJgAAIfe+tvL+PXv0p99aoLG17Sj6evw16GCeo+/zLOn0dLVwpyOmK3K2NjXwsjSx6eju87c5uvuvMvp5sLB4/X19O/trcLs8dLT8//26tvTl67b6dfY6+7fyq6hjKPS5dra5+XUupiH"
    },
    {
     "image": "53957a9828d20d566b81d36fdb00c846e4ba9202712f8b167bd0bc708ff6e0f0",
     "peak": 4.999166011810303,
     "values": "bH2dqqKsyManlI6LhJS1wbq9ysCejY2MtMTk8ezhz7ONf4qPvs/x//nmxaSDe4qSo7fd7OTOqpGCgY2Trr3c5tq/lH0AfYiO3uPu7N26gmdpcHyB8PDv7ObJlX2ChIWG4+Lg5vTtzsDCuaWbztDT3u/w4drd0LOksLjI09bVzc3Uyq+hoazDzcrHw8bPx62g"
    },
    {
     "image": "57488274b097c28631b6b09d8b3ae7b014399b33b8eee5c7de8121ed6fd23b22",
     "peak": 5.293638706207275,
     "values": "foSPfU1BWHyrrYBqkpWbiFtNXnujqo6AvLm0nnZlanmUpKqt2tfSuIhtZ3KPoquw7vD21pFmVWSTopKK5e7/6Kd+a3ehq5WKwM/t7My2qaq5vbSwtcLa5N/XysfMzcvKxMXGzt/g0M7Z3dvas7W7w83QzM/Z2tLOgJS6wamnvMjKwrCnZ4O6wZaStcXEt5+T"
    }
   ]
  },
  {
   "name": "resnet",
   "top": 7.0462446212768555,
   "examples": [
    {
     "image": "e71c83d288bf3aba6432df571bf640a7b9e4545cfd034900169d9098ff3b4718",
     "peak": 7.0462446212768555,
     "values": "aXiIgp+nnJODhn5ycYeVkp6fmZJ7goB6epqto7SssZuJkYyKiqe5qb7ArJmVnIyLq8XXuez8+tjByqyprrrLw+v1/9a2xrGtrbPQyePd5tS1w7GrsLrLzPDy6+XJwa2tmaOzqdbb0sSvrJmWmaKys9XY2M+1sp+VhZCbmLGtr6uamY+LfYucn7WzsK6ck4h2"
    },
    {
     "image": "005baf974f2bcb81615d833447244e6dbd257594129c2906d43aff1d4dd62a5d",
     "peak": 6.2582197189331055,
     "values": "goGSipqVlod0dmxfmJKhna6oq5SBhXZqn5yxsselscKdhn58pqe/xNe2v9HEfG5/wr/a0ffn8OrhsJSZwcbf1fjg6NzUwKqkuMHd1v/k5OnAsK+kv8vk2P3v+fzbxbWon6jEvuHS1NHHuKmWnqrGwuXZ08+4rJ6GkJikn7e0tLKclJJ9iJChnrGqra2WkIh1"
    },
    {
     "image": "4d1137f8e7e905a0c3c4741f64d99d4836ccc5cd7d7c2da71408330570e546e6",
     "peak": 6.424901008605957,
     "values": "XlVRXHCAjY16g354ZWReaoScqKaam42BXHRgY46mtr6srJmRbIZ3kaLJy8y2uKKdkoeLrM7p7PHb2cK7kqWz0ev39PfZ3Mm7iJ23v+Dt9/3Y28O7l6zA1vj2/f/b3sC7hZ2putTW1dW5vKqqjKCqtdDb1Na5s6Whg5Caor7BuLifoJaMgZWdocPGwbmYmpGB"
    },
    {
     "image": "69bb8be3f064828c97463eff11bda3ad0dd7a7ea4f3e2c0fc5d78571ca8cae35",
     "peak": 6.047343730926514,
     "values": "fIyVoK+1r7KUn4x7hZmkrrzCxcasq5uKiZ+wvsbO0tq3tKigjaOtucLM0d++vLWmnrDAzNv47//b5M+9kKzL3Ov39Pba4sy/jKjH6+fq5vPW38u+ip/f7+ns8fvT2MeyX26BpMPK0Ne8vrCedJSipcTNytK8u6qYZ3+LiKSvpq+gnJJ/YHWGjpyqo6aVkHtq"
    },
    {
     "image": "b22ccf1b1848ed75bb235b023fbf212830e2d2a7b407074395364be1a7eab20f",
     "peak": 6.2890825271606445,
     "values": "cnd2dIaPf3doUkpMhIyMjq2gko58dFpXkKalpM7JpbGNl2N2nq23ss/Pyr6ZqHiGuM/T0vDz2tGnwoh9v9LTz/3z4OG/tJaSu8zV3f/v3fDQvpSdvdTc2v398/TYyJ2gnbi2uNfUz8ajpIeLoa6yvdfVzsWkm4qFkJ6kqLu/urSekX+DiZ+osMbJxcOllY2B"
    },
    {
     "image": "66021e975c499dd69d6f9feaa569a47f5b562a7a3738e996b2f6b0947e81369e",
     "peak": 6.534269332885742,
     "values": "YW2DjJGcp6OBj392ZWB5f5GaoqCFjn52dXeqwLKztbyYoY2LdGiQr8W2trmZn5aSloi2u//77+3Azri0mJfGzezh5+jByLCuk6fA0ebd3+S9yK6weoq6u9Xb4+S2wrave4KhorbDyMOfr5yYfn6fprbAwcGiq5OQb3GFhJiepKSJjoB+b3KJi5ujqKqJjH90"
    },
    {
     "image": "4bc5abece2180066fd61b4b830bbbd3d056b380a48449efa46cd357c816e9469",
     "peak": 6.417411804199219,
     "values": "SGmFj56lpaKJhn97UF6Bh5ScqqCKkYF9W3GIia3EyMKnrpqWU3OPl7nJyLqvrqCeaqCowN3z/+bG0ru2a5OsstTd9fTOzry5dYueo8Xa6u7Pzru6do6upNDi7urO0rmzVX2YkLrS0s60q56fVIGjnrnO0cmwqJecVnyMj6Cusa+TlYZ9YYCPl662ubWdnYh6"
    },
    {
     "image": "274e4404d9c074fe46123a40ad5148797c87f2592ba71e37505f4e00543fd49f",
     "peak": 6.472952842712402,
     "values": "dG+FiKGYmZZ+dWljgHSKkKejoZyChm5tjYidnL64tbSYkYV6jIygnre5u7aZnoyBs6bJv/Hv8eHBu6WbqZ65u/j+8+e/u56boJ+1yP/84t24vKGan6K/zvDq1My1uqKXhYuxusrCt6+hpY2KgIuuv8O7rrebm4CBcXaAfpialpqHgnJxcXOAipiXmZ6DfHBm"
    },
    {
     "image": "30b3e1976ceede307dbf4a7de1f3ac264c5ff2a092db6a85a107e9dcf5d93b75",
     "peak": 5.8721842765808105,
     "values": "ZkpoZYRyiJOPkpGCZll+fJh7iZWPmI6Ce3S3n6mJqLWlsaqbhIGxuruWusSut6yfp33G1fPH6e3Y3M6+o4m5xvDo4+bR18W8o67exfDp8vDX28/Eqanp3/36//rb3s/BlYvFwuPf4dfCwrGqnpe/wOfj4tm9vaegk5O3sdPV08ezs5qRjI6wq8vJz8atopB9"
    }
   ]
  },
  {
   "name": "grey",
   "top": 6.3922624588012695,
   "examples": [
    {
     "image": "3e1b8d961d5797a0e66030c4da979725e55d6ed48857cf020c056e100c084825",
     "peak": 6.099004745483398,
     "values": "S0debZqKoLCjhYGeS2Nda52Pn6iglbiiTmeTgo2MwZ6ipMWeX1mqfJaX0saCo8SionWooN/P0N7M1bq/g56HsNbV3v+0tNTLeMG7gLvl+83aueG7kpPdr83k/NnMv8PLiIOTkrWzxaKQuKuSfHaHucWltMmUmLGHcbe6psDB07G6j7eYjo28ocKyxK22mpSP"
    },
    {
     "image": "4195caed6ab87c10fb16bb45aa5c2763841a3af3da68c2b64466caabbfe9a348",
     "peak": 5.632771015167236,
     "values": "UXl+YZqwkI5mqaWbV3yIZayhopWsup+6T3lkeqO5vfGX07C0TGmAepnA68rNvbmzb62TcaH96PHB18+3bHyjiLfB/93k6NbRhriux7jp+Pvj8tXUbbPUtLb07OHR7drVbq2yt7rAx+Kg28a2ZqPLvLHAyMXBzrm7b6bJv7fHz9mhu6umX6HLrKvd2MqvvcCw"
    },
    {
     "image": "53957a9828d20d566b81d36fdb00c846e4ba9202712f8b167bd0bc708ff6e0f0",
     "peak": 5.271791458129883,
     "values": "boWbhqShvM/KoV55jaazt8zFvuyTpXSTo7++scq40ryzsZKXpM2t0sS+scyUml6GsbPW5+bO4PnZscPdzPf48u7u6P+ht7jevNXc2Pbt8e6/2dXfoOrZ7uD/z+Guz5aErLK74NOzwr/Ahnd+sse73tLXz+Swo4elpKa6sry60c+svJiYjLm4q8LXutHAvp+T"
    },
    {
     "image": "868b222a31a9315076f0713b5faa4497233ecbbde4d399963b484db2c84dee37",
     "peak": 6.301754474639893,
     "values": "UmNgn5B9g5V0U3CAbGqUkLiUrKKYiImCV4RMiY2nfsSarYG0AG5gdIq0rKuRwaCJaoh+o7iexdbElb+smIKRpNnS7+HK7sq1bJyDrNPsy/PO2ajRi6mnu/L1/8zQ5s2bUVt7h62Zp6iZiZCZeZSIpZu+kqhypI6MWJmLqK+2pq6ompeVfYqEnrWxm5d/oJNn"
    },
    {
     "image": "a0d3ac952c369ec4bb7486e938e2c2bb78d56aac30217014021b7b4f367cbccb",
     "peak": 5.767199993133545,
     "values": "jZOajcHG1cmvoJealaCjqtjW4Muqwpidj7GUpMvz2LyambCChqSoeM202bqfl5KauLnPz9718tiutqOzxMTP2fvn2vTGv7SlxcbCr9z/8M+Yxq6zuqfOd+fi1MWorpakprCKi57Eb61vkZimpJeUiaOsfK55iX2bnZ+MbJSqoIZLhodqkXCaZJq2mJNHiV5m"
    },
    {
     "image": "8d67ab5a3b290854299c67fab05c9d055a64ec760800b48ef599ad099d5d6d66",
     "peak": 5.824029445648193,
     "values": "d3Kjkb6zw7avl4WajJ11tZPahMuJrmyulJiskNPi47W3n59/rZWlkMms2LWmmqmGqcHQwtTSvP/FspWRtNS2yNbguMzCtoufv8/Mq9f+w8imuqea18/RufXEuuG/kdWseqzApqaObKZve2qcspqjlsqZmnx6WV5zrKm3mbG3rbV+Z15vmKSHvbulu7aRZYdh"
    },
    {
     "image": "4bc5abece2180066fd61b4b830bbbd3d056b380a48449efa46cd357c816e9469",
     "peak": 5.722747325897217,
     "values": "VXOkn5ampJqTko2hcpa+ntDRtbiUqK+2eZKdn7TUx62vwsDDYHppcKSMwcG2u7e/ZIige76s7fjLwc7agKWTY7DJ1/jq4svih5uyScTW9M3n7czSdaCfrsLT1P/h1crGU3WYkK+o2tm1sLfHZYWNqavIwcihwa63Z4+Ze6WzsJOfnp+aW42UrbS9vLqmn6io"
    },
    {
     "image": "69bb8be3f064828c97463eff11bda3ad0dd7a7ea4f3e2c0fc5d78571ca8cae35",
     "peak": 6.1339111328125,
     "values": "Vl+bnbCjy6+Rm6SIYISGfsextJ+XmryVb3aNf6bAx7CDwLqhZI10ZZ+kn7+XmJS1knvMlbSm4M7XxdK0e42emL60wt/PvN7Co5K3gc/F+dy409LedpGfh8TP7f/Zvt/ZQENpc451u4OWnat/AEBMbI6RmLSZq72rVEahcam4o5GmqKCzX3WCoLehsbWVe6KT"
    },
    {
     "image": "3b37d1d86c52fcab1653ebc6b6239d80f37d26ae06999a4fa20d0d9dd947447d",
     "peak": 6.030325412750244,
     "values": "YWWWgmySrI2MalhaZJGgpImxvbeqtYB7gqmSjqWvq8SOlHeDc3W+pJ6byL+YnYh4fK/Qq6vV26OkvLtxocTb0c3t8OSxgbW1na+1y8f/7MnGgqWxeqy7p7TY8ty5xbK0f5yloJq7sJOhkoFug56Qn56xpqOblmp8WKeph5S0oJuRl4V2WLmqk4bNvKSlp46I"
    }
   ]
  }
 ]
});
