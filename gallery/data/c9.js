usaeViz.add({
 "concept": 9,
 "grid": 12,
 "backbones": [
  {
   "name": "vit",
   "top": 4.327314376831055,
   "examples": [
    {
     "image": "baeb6e7faa67f966125aea8686ae85c1174691e2161ba8e7a6878b0860d57d05",
     "peak": 4.124007701873779,
     "values": "oMvGyr/Cx7y/uLCrstri4eHf393Vz7iqwNni4O738PLs48u5wNzk5eXx+vLz5NK9ud3m6OLM8+3u3sqzss3h5t/FyMLo4sy3qs3g39POx+Dk4NK9sdfp8v/12evl59e2u+Lx9v389e/r69nBvuf37vHo5uff5M23rtPm5+Dd3d3V0sGtnbi/wbu8wLe4tqic"
    },
    {
     "image": "58dddeaa07b90feb9c4a91f78a54f5d52909a1695ad70d91694dc82f8fa6c31f",
     "peak": 4.200770854949951,
     "values": "mri7vMHDu8C4sqiqq9DP0drR19rRyLiwtdLW2tvg4ebi1cOxrtHV1eXj5+Tj07yxq87f5/r5+Ojc1sOysdvu/PX///Dt18Swq9ro49Pb9vTt2cKxpsfo4Mjd7Ojb2cOxqs/s5/3x6OTd08a4rMrc3/Xz6eDc0sGznMDL2N3Yz8jPxq+njJylrKunsKejqJ2O"
    },
    {
     "image": "6c6de1f2a4780892c39b9542c78782a1eac63b3c9e47fad3620340d592892a6e",
     "peak": 4.100334644317627,
     "values": "mKu5vbqturi7saWao8rZ7dDb2NfWyMC2qdLx0s/t6Onf28q9tNn/wt/u8O7i4M+1rOTo4dnx8uvo3tO+ruDjy9XO6ujl4su5sd318+zm5OXe3862ud3w8/Hw5OTi2tC0td7k6efn5Ofk2M65stzn4+Xl6+Xk38q9rsre3ePd4Nzb2MiymbbGwsPGwsHAu7Cj"
    },
    {
     "image": "324bb25f9bd81476cae2ed0410f5863d0884b1583494f397ce6e97885258bdc0",
     "peak": 4.139010429382324,
     "values": "h6Kor8DKx724r6WZlrHC3Pf39tbRybOqpLPZ8dr28ePm3ryoob7j8tb15+ju4cCmpcjZ9MXv9vz/9cmopM3b9djV5f7168uqq9Hj6Pfp5+/y6MyvtNDl4vPw7+7u6s6tsNXn797h2+Xm2cmprNfa4t3i4tvc2Mmrmb7H0dDHzMvSyrShjKGvr7KssLGwrpqP"
    },
    {
     "image": "b1e72456064a3af07db4b98162147fe32e426fb5325fac7e6432abe2a6178efc",
     "peak": 4.1453423500061035,
     "values": "k7K3urS4u8HBu7mioLfMz9LS1c7My7Krpr3P4eTj5ePY0MCroMHc5/347ufh0r6noMfm/P/9+ufU2MGuptrm7N/9+PPn2MW3nMjexsLn9vXg28iqnMriycfn7Ozd1cK1o8fc7Ojm3t7h28SvmsHS4ebt3N7VzMeskbDM09HOzsfKxrKei5elp6irqaqlpp2X"
    },
    {
     "image": "91fce6e8a9545c5216559390516df9f993a0f829ba302d23ab586ab258730b26",
     "peak": 4.153829097747803,
     "values": "k7vCxMjFv7nAv62mrMjV3dnZ1NTQoYWors3b4eXd3t3Xq6eyq8jY2+Dd3eDhuMC+nMrc39nj4Nra18utpMzr7+rg39XWyLWpp8S92vDn4dTQyLWpqqCx1NPp3OPg3MO8ncPE2+Le2PD/99jRpMra0uDW3fjw6O7Dm7TJzc7J0uDn8tOpjpyop6irqLG5x6KT"
    },
    {
     "image": "2ea96ec8f1bd074e70adbb809f3840c7de794657350f4370910ffd2c177eebdf",
     "peak": 3.9258880615234375,
     "values": "q8LO0c3HvsLDwrSlutzn6N3i3ubn59/FveTp8u/t+u3f48jCsNrs7e/19Ov7/92xr9Hk6Ozy8+/s+PW9p8fn+PXz8u749uHhoNHf/Pj59vDq6t7WsMrF2uz/+fDj6ta+ubEAAMXo8/Xq3tO8tcK8tdvk7e3p4tG/rNTbzNzS3+Lg3MS9nbW/wbi7wcLCv7Gn"
    },
    {
     "image": "fd37a73b949a8ea813c452ad26b453e1cb434a1dbeec567f82f0ff6bdccf2ae6",
     "peak": 4.193151473999023,
     "values": "krOusbK0s7KvpJyQtL/e7N/TzMvFv62gsMvU4/L78N7NzbWgrM/f8/Xz///hyL6mptDo9Njv9/T507qdoMHh5t/o8/Py2LygocTa4Nvm6+ru1Lqjo7zS4ene2eXey7qhpcPN2Nzi29vYzbWZosXQ0tTRztPPy7Sdmbi/yMTExMfDvKeUhJauqKKnrqulpJiJ"
    },
    {
     "image": "a803ac08ff39207d693454c79d6693a349a8d8ce01336482f43819ba683b4a0c",
     "peak": 4.122834205627441,
     "values": "n7W/ycPAtsK+q6aQscXQ0M3OxMe9t6aXt9Hh2NfR1tXJu6aht9bs5t/V19PMu6ehyPb/6eDY3dnfzK6czdzk5eHa6vTp6MuesN3Yztv35+j63Naqq8/u8vf84vfs7d2ot8rb4+j44ufr5d6uns3d29Ph7erf3M2flaCvubnDyd3W1LeRh5Ggo6Gjraulq5aN"
    }
   ]
  },
  {
   "name": "dla",
   "top": 4.656881332397461,
   "examples": [
    {
     "image": "0233b7667da7152ad99c283f44242bc9bc0dd61da198fa0f34f35fa0da3b99a7",
     "peak": 4.488795280456543,
     "values": "s7a8tJ0AAIqhnH1ur7fFvJuJhI2kpY+Ep7fXzJd/hZSrtbGvp7DAuZyRmKGrsbS2sKCAhKy/vrWimJeXr5pweLPQ0cGgi4J9pZ6PlrHEz8Wmi3RonaCmsL/O3de8oYh7mKGzxtzt+/bhzr62nqrB0+Du///v4tfSsLvR1svR6fDn3dPOucPY2MHD3+nj29HN"
    },
    {
     "image": "6047deb94e6880049d1b123752e43b1cea8b92689fd6e05493f3782cceb7dc31",
     "peak": 4.656881332397461,
     "values": "dGpYAAAAAGKfspuQdmxYAAAAAGijuqyle3AAAAAAAHSqyMzPkYd0AAAAa4u30NbauLKokW1sjq3J0srGxsnPvpaUtszV08W+u8vq7NDN4ufc0cfBt8v1/+rn9vPgz8C5ucvw+ebj8PDhzLKkrrvV3tfb7O3gzLKllpqjr7/S5+vbzcC6ioqKl7PN5enZzsfE"
    },
    {
     "image": "68567ebc326ebb354aaf8f93be431ad3044d219fd48b77e55f12cda00fbe6471",
     "peak": 3.9139370918273926,
     "values": "bniNn7G2rquqqaemiouOlqSvuLy7ubWzw7KRhIujzN/d2NHNzbeKd32Zyufv7eDap5h6AHmQtNTx9+TaopiGgImas9H2/ebbvLeuq663yN/8/+jc0tHPz9LV2eb7/Ojd5ufo7fX05+f09ObfydLj7vPv49/j5ODeepLB08rHzM3KzdbaU3KvxrW0wcS9wdHY"
    },
    {
     "image": "85362e70725a2df00d97a478cf96dbfaeb58a045266027b3bb11e24f36583898",
     "peak": 3.717237710952759,
     "values": "b3uTp7jEzM/LwrKqgImcq7S+ytTb1L60oaavsayzx976+NfGqqywrqaxzuX08NfLnJ2en6O44ebKvcHDnqCkqrPH5uG3qba8r7XDztfc3tS+tbe4v8XT3+jp49W/sauoztDW3eXt9uW5nZGL3N7i4+Lm8eXEqpeO6u318N/V0tbg2L6x8PX/997Mw8/u79HC"
    },
    {
     "image": "93c6b55664da1c061ec423bbe610708240a9bc5d9d1c162d480c3db4d5d32f5f",
     "peak": 4.414401054382324,
     "values": "WWV8hHyCl6/Jx6maYmx+g3p/kqnExrCldHmDgnd5iJ65xL67foKJiH99gpW4ysvMgYaSlpKKfpC/19bWg4mTmp2XipzO4NTOhomNlJ6kprvj5sW1iYqLlKOsrsTu8Mu5jI2NmK6xo7jv/+fahIeOmqqsnrPr/+7mb3qPmpqbnrXg7+HbZXOPmZKTnrXb59vV"
    },
    {
     "image": "b1e72456064a3af07db4b98162147fe32e426fb5325fac7e6432abe2a6178efc",
     "peak": 4.051962375640869,
     "values": "pLLN29zYzcK1o4p+rLXI1+Lg08vHt5mKurzA0e3y39zr37ejubi1v9Xg3ub47MSvq6mmoZmp0unt37+vm5uZkYKSwNrg2MS6i4yOAACZp7nP2NLPgYOGAACdorXW5ePifn6AhpGgss3y//XxcnZ/iJKhts7p8+vnXWqEk5ihr7i8wMPFUmSHmZuhrK2mp7C0"
    },
    {
     "image": "8fe5591472405755d98d6342c0f10e0a77331014c28c936e4ca2c4d7c571b3a2",
     "peak": 4.273123264312744,
     "values": "qq+6vLO2xdDYyaOQubi1sKmuv8/e1ren2MipmJSdsszr8d7V1L+VgIGNor7g7ujkrJp2aXF+kKW+zdPWlIRkAGBsfJKvxtbeinteAAAAZoWz1vD8i35jAABZcZfL6e/ymIx1Z2R1nMf4/NO+opmIfnuMsdf/+casqqWdl5Sdscfg4Mi8rquno6Clsb/Q08nE"
    },
    {
     "image": "40d4ccf83046b717eb102f1a1b8ba3aee427ce0f8e69901a2dcb98a708ef62d4",
     "peak": 3.930431365966797,
     "values": "maW8zdni6NeukoF4tr7N2eHm6Nm7pZeQ8fDv7/Dt59/Vy8O/+/r49O/q497b0cK61dvo6d/b3dnOtpKAwcra4uPi39XEpXdgwMXP4f3/6NK8nHJctr3L3PLy3cq7oX1ro7HO1MK6u73AtJqNipzAwJ2Pl6GtqZaManyfoYJycHaCgHFqWmyPknVjXQBsbF9Z"
    },
    {
     "image": "324bb25f9bd81476cae2ed0410f5863d0884b1583494f397ce6e97885258bdc0",
     "peak": 4.40738582611084,
     "values": "ZGp3gIWXs9Ly6LSab3WAhoaVscja18C0hYqTk4iRrLWrt9nqiY2Vlo6TpKOQpeH/en+Hj5cAmJOLotn0cnV7hZIAkJCVqs/ib3Bzd32EjJqvvcXIdHd8gYaNlaW8x8TCg4qYpK2wrLC9xszPiZKksLi5tLW8wMHCh4+fp6WnrbO7tqSaho2dopyfqrO6sJWH"
    }
   ]
  },
  {
   "name": "resnet",
   "top": 5.219481945037842,
   "examples": [
    {
     "image": "8c13a5a2e2e3a1aadc60c585e898b07ec8a58079999526c7b16ec17911ebbb57",
     "peak": 4.536799907684326,
     "values": "gouDjrGzqbedlJeKi6attM/Itr+8v6iOlrnOw9Xb2tvM4auMlq3Dy+Hp6t/D07GVnbvk9vvw8vPX5M6urub17fjn7/zg3cSjzufp5fjy8v/q27ytvNbb7Pn66PPW16Kdha7Fxs7Z1ubQ2pWWk668y8fZ3uSh0JSblqOjsrrH0dKVvYqHfYeKmq20p6+DkHVr"
    },
    {
     "image": "baeb6e7faa67f966125aea8686ae85c1174691e2161ba8e7a6878b0860d57d05",
     "peak": 4.318083763122559,
     "values": "laedq6+4vqiNlIt1k6SuxLjG0cyxuKSTqLnP3tXZ4/re27qdpMfG0svd3ezj5LWdtNHW4Obl6vHU3snCq9fV2+Pi1/PI5MrNqtTf19/+7P/t9dPErdndz9vy7f/y7dXBqs7bvtrLzdnO0bakp8fIxuva2e3Q1byek6y4sNLK0tnGv7qShpqnpby+wci2tJ2A"
    },
    {
     "image": "f9175935fd9f5049ad0f75f5e6c8da204327ef7875a4d8b503560d3bc90d300d",
     "peak": 4.723690509796143,
     "values": "boOOj5eViI+Ojnpqg6qqpreyrrSvrJZ0i7u6wcjHyb2xs514hrjFxdHKzdW6sqGEmMvNxePi4+PEx7KbncXRy+b069XCx7ShmsTY0+b/9uzI0Lignb7Jytzq5P3TxrGSirCzxOPXzO3GtaWJh7zCxOXk2eLAva6BiaKrrMvSxMOhppd4dIKAhKKnoqmViXht"
    },
    {
     "image": "45e159a787fe200e50080f9033ca69ef51467ff1487007329a9127a353b02837",
     "peak": 4.814161777496338,
     "values": "b4GPjqGalot9c2xafZWZq8jEuqiXfYNqhqO2v+PizdrM2aF4j6e/weHc19izv6d2mrrO3fv9+uvhyLWZm7vV4//+8ebY47qnm7XU0vfn7evU0LmdjK/Cu+Td2uzU27aihaaOi6+/xczDuqaTgZJobKmtss27uJiHdJOJcpGarL6yrZqFWXlrbHqCjKiYkox9"
    },
    {
     "image": "026cb01874462ce04577a8f613a784cda4a75fd063d102cf657d908bd905f801",
     "peak": 4.657420635223389,
     "values": "k5CkiqO6m31veW9ap6WonLnYuZeHd4ZuprbMydHBopd4doJwtMLL2ri5nImLiIpztsTS3cvW1r+srKuLpr/Q29z14uXRz7OUoLnH3Pf24ObTvrGZlb/I7Pn/8unXzbuqksS/3d7m5NjLvq6QjMPF1NLW5M7FxKuPg6uft77EzsTBu6SQeJiPqLG0ub63qpp/"
    },
    {
     "image": "dbf60840fa0c491c34206e75ae05ce515f8019d7b87d6aadc700e19e258bc1bb",
     "peak": 4.685187339782715,
     "values": "eZCInIuYlKCSiYJ0epOSnJSttryirJZ9jrXEy7nI2dvJyaWQhaeiubXF2t/QxriXlau+weLu4vba4ciegK2+v97c3OvK1rWigrvGzeTh5+XO2r6qfby3sczZ4//Gy8aanL7NqsbK6/3Kx5+Lnq3Cprar29ykpaCbiqOkn7ey1MuinJuNXXV6doWHd5J/gYRs"
    },
    {
     "image": "46c7adf5b1fe451138437a6ef29254adf6eb1a5304377a65baf6988f68b6f09a",
     "peak": 4.533838272094727,
     "values": "o7GzkcGwmJiJg35sn62niMG9oaqlnJR7rb6rjMrCs76yopSAtsC0rtvLvM28pp6Eub2/y+3Y2OnYxr2qs766y+PY2+DFtritvcnA1vLf8fLRzr6pusG2xd/Z8//Q1sinp7KisMe7y868wbOQtsW7y9nKx8XF0sSZnquxwt/N2cCdmJ17eoqarr60t7GQhX9x"
    },
    {
     "image": "1b45b64b533a30977b338d0b3057c32da0aeade05a064977319a89b0bd489572",
     "peak": 5.219481945037842,
     "values": "cHx+coJseoJ0an1paJCPj5yUhpeDeYiAaZWam6elnpqViop5caezs8HBq5+ZnZeQeaPRwOvqvLq3tqymg6jI2P/btcq5uripgaehosCkq8O5wbanfqavrcS+ytizz7KacZqgo77L3sibtaKGcpqytLObo7KXvaqYcYOZmaeJsK6JnI2CYnB7fZKLmp14eW9q"
    },
    {
     "image": "94f4936bb1460bc7764318107ca93a20bdf6509737b1cf59bab8b4bcae2548d5",
     "peak": 4.838776588439941,
     "values": "fYOOi56fm5p+f3VliZyoq7+zq56UjXpjmLbBwdTYybijmYR1j6bGx+Hg0s6dkHdslrjJy/b/6uSzrpR5nrzR0vfk5M+uz6Z3mbfCwsro59i6rqJxp7O4ycvy6+3SxZZripmcms7cydvLwodvjIuVqdvY2+XLx4JseIKNjqWmu8uwrX9oaYCOh5KOkpyChHBj"
    }
   ]
  },
  {
   "name": "grey",
   "top": 4.742874622344971,
   "examples": [
    {
     "image": "a49b021d8725d65d2a716f8877c32df90f6b338bf16895ac0d8cd3079c5c5dd5",
     "peak": 4.236384868621826,
     "values": "jJ+bkrquxMu0qp6dlqK0qb/ZzNrRwLq1kLu2s83Z0dPOuqq2mrWsveXe2ubDsLa8qL/B4Pnc5+jFwNe+ucvG7Ov/8ujQ1Me6tsnF28/y+eXB1a7Eq8fWzMb77+/OyLS8lbHPzNTEub67ua7Hkq6psdaeqNeypZ+ug5qimLDNva+Tm6qdaZGMkmzLxcOSpqic"
    },
    {
     "image": "324bb25f9bd81476cae2ed0410f5863d0884b1583494f397ce6e97885258bdc0",
     "peak": 4.544795513153076,
     "values": "fpeUe42fqIaQe3l+koydn7ORs6Ois4usf6OZnr3Ao6y6t4+Ulpqjmru1ycSmy7aispiisNntzLfFvraRqKzKm/Cc/92+zsXKoqGlrrjj+/PUwLijf6a409vL5vLk5LO8kLe4rrjd38/CtbafnqSwt8fUz8zOy7mjfomsnbCnwM2ntY2egp2dlK2st6uQrJd8"
    },
    {
     "image": "5f7c92ac9f4d88e917ad28c1381fdee11b30adad59e8a087607c242dde308cfa",
     "peak": 4.022004127502441,
     "values": "i4qcna22r7C/qW1ooJ+uusXOvNnZk4eGqa+4ueLc4dPIxZiquae3rebr4sXb2KqX0dC+yPL/4N/G4Me/zcPBwvv95vXOu86+vc/exfLx+P3d6drhxL7LwN746t/g4czHpsnSyNnc3MbX07Gzmq7E2M7Q28jAy7Cfory8x8u/zMKxw7COs6+eu+bRw8atqsOM"
    },
    {
     "image": "badc67f648acccaf54b7afa787d9086373a2f02c8eeb954600059f66ad9a20a4",
     "peak": 4.350845813751221,
     "values": "iI6Qn622s72nmJ6RmJm6tbnWvb6sp7WWmYWkp76+yL/Ar6m2mrGrns69ucG4uZuoqcHQrcjo2c2+wsqtrsfLwODq387auL+ytrbNzeTk/+PKwLS1n8LU0MOr5dS5yLCviZTAvZyo0MC6uqmrdZydpLO5x7WqqLCWjZO3qde6ttunoZ+SfJaCmLW/psGrrKmI"
    },
    {
     "image": "baeb6e7faa67f966125aea8686ae85c1174691e2161ba8e7a6878b0860d57d05",
     "peak": 4.4855852127075195,
     "values": "hYaQi6WeqJ2jkI5+f522o7K0tb+mtoqlnpa2pMK9rMC2iZ+Sn5+xl8LYtda1qbejr8XOx/P/4PnCu7Wfnr2/zP3lyPS4yL2mo7u0t+K5wturubaVqbGqw9ng+NefvamRo7Cfp8e+wbSOrpt+mrSfuJ2kp8uptoWUlZyVsKKwvK+imZd3jZ+cr6qqjaZ0kXlm"
    },
    {
     "image": "f9175935fd9f5049ad0f75f5e6c8da204327ef7875a4d8b503560d3bc90d300d",
     "peak": 4.379849910736084,
     "values": "gIiVlpKcq5+Ao5aFgJS3mqe2tLunuKqahJyer8O9qsm5trKqi5u1u822t7u6xJemkaPCw8js4Ou/2qmqs7+8zsvq/+q83LyhtNHDu9L26uTPxcGtncC3r97o8cmytKqdj7XDvMnV03mdt52olrWrq8TCwb6ep5+dkJSblbKtxqqfoIqPcX6KlKasu5ylmIV9"
    },
    {
     "image": "0a5cb65143b382926e34ad835a40fc2c776768733497fcd12903adbfcce87a8d",
     "peak": 4.707063674926758,
     "values": "dXODeoaFloyNlohyfIyTl6GNkaGUeomOhZWRk56gtaOckaOZgoyWmrS/xbysr3+WjaekrsvI2r2pvK2NmJnLydig3eLBq7OqiJ7KsLO89s2xorOpoYy+vOv/89q/u6+ujZiwpMK+uayLpaqnnZWasJ+ys7GRnaChj5SanKybtp2Pfoxzc3aUkJyoqrqcmpeN"
    },
    {
     "image": "92ae4fc68190454b7d615cb07ea82dbefa4a979454d07f0f7436b476b2676fef",
     "peak": 4.194579124450684,
     "values": "g5uvk7urvr6UnKqvr8GzudDIxqymsIbBtri0pLG1u5qdsI+pwK2uocLjwr/QvqOpt8fF2+bq/+22zMLPs7bQ2Pnp6/PWtLy0q7LG0MHo48XGtqi0oLWyyuzk4MvAx6O8k36ktMPIv8S4pJutooyiptzC5t6zoaCrhnWZmsS+xcGyrpmShnmmssjIxMm1o4iE"
    },
    {
     "image": "1023bd2372c453eba995e9dcf51087a1811ddbb71cf09628023cfb3ba3a26059",
     "peak": 4.219515323638916,
     "values": "cpBwlIm0qLCJjJGNh4yKiajFtMOzw52RcaCbrqrIvNHApJibnpCln9DIw829taOUg7a6tNjn29OrwrGfptHFxOj79OCvvZikl9jNqMTk+v/U17iptM3Oo+L22/a74r+ocaaXiMTO1uO2tr+pnbSwqeL23u+swbqgjqKXtrTE3NmxvqqLgIqQk6Swvbe4rZpz"
    }
   ]
  }
 ]
});
