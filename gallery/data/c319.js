usaeViz.add({
 "concept": 319,
 "grid": 12,
 "backbones": [
  {
   "name": "vit",
   "top": 3.7341833114624023,
   "examples": [
    {
     "image": "8c00617c9ba50b63ddaff4cd36b77fb5d90c6a671b23903e8b8c4020b44b6d4f",
     "peak": 3.281648635864258,
     "values": "hZejoZitz8LYqJeWi6qtqaq64GvVtHx5muvO3//W0QCm2n10qNX5/vbm16q704t+o+rb7um1vc6vjXt7jsHl37qgkYx6c3CDiJWopLOKemcAZQB+eX+m3tTMpHAAAABrcW6b2AAA3o8AAABmYXqgxgDJ6pIAAABqZ32J2NzjtHoAAGZ8bnB4lraZf21waGqA"
    },
    {
     "image": "7b27d6cc87cb41c40c6673d742dcfa818a2e383372bff7a512d069cf6a74bb3e",
     "peak": 3.7341833114624023,
     "values": "doKFipSVin99f4CBaXV1kZiejnVkAFljaYWn0a641bF5XVtrbZrOquD0ttGWYl1tcaalq/T53qKXZFhpdqTGAP/6AMeKXFZkaprFraQArcODYl5xaoWSudzayIlmXVpuYXFxfI+WgAAAAABqYGloZ3JwX1haXGBvX2xgXmFhWlllXmZ5Y2pfXGNfVVpiYWJ2"
    },
    {
     "image": "852f44d9c926bea2bbbdceb08973f0ca4ead4de7c4fb4e3f2985764930308e27",
     "peak": 3.1486644744873047,
     "values": "jamvzt25np7C/9+3d5Oy3LjIiqHQ1fDmcI3RxMfgnbznAAD6fqHH0NbymZ/P0ef+eJKdo7qylqCm27bSi36Wmpa0jX+GlnV6ioNzjKev0YZ0bmZxe4BzqOqQxsdxAAAAdnAAou0AmvN4AABvbGxrnuLm3sZjYgB0eHJre52zonFvAHF3bXNjgpWPg3dtAGWC"
    },
    {
     "image": "d8a8c41f59f15e3c86927e624b0c1c236561dfe4e2ec9899cc76feecab31fb36",
     "peak": 3.4656224250793457,
     "values": "lJh6dnB/fX+DcnV7m6iQgWdjanx/AFxvxOLExo+Ji56XdF1YvcTYte20uwBirnd5h//0wuPHsgAAqpF9rtv5ANq0rAAAsnxqz9fK4qqszMa3nWh+nbmuq4qDkYeNfmh+hIl5fW10eXVyAGh/aV8AAFJnAFpeVwBub2ReW2tgbXAAZWaCcXNcZm1obGZzYl2F"
    },
    {
     "image": "cb846283ecacc99d897724c9e5c1fba8998ee5b40bf847d0fb9dc97bf65e9e85",
     "peak": 2.9463613033294678,
     "values": "w/Pd26SYkICakpWN4LsA5YkAAGdvanSB3sbF7J9yAAAAAG16uefXvXJ3f3x1fXuFkaKghXRwnq23pZiKfH0AAACTwdK559euln0AAHKg4ADw6+24mKSkfoOjyOno6tif0t7ZvKOSvt7GsK2H5MAA4NWglJOHioaA0P/47rudkoiCfYCMq8fSs56Fe3x/e3aI"
    },
    {
     "image": "484a0f4418edee10cd33f6e358cea01244143a306437f1600e69ff80f0ca3610",
     "peak": 3.0041959285736084,
     "values": "i4qAdHaNnZR4fpKViJF1AAB8lLF8bAB6l5SCfoGmzcG+mGFzysm0tL731wDSu3l3kAAAtLzU8L7olHN5ugAAu8/I69rhiGl/t7G1vqahra2kf3J5qLmyiHt6m7K1loKQhoJ9dQB4xe/x3r2OgXhwZQB8yscA29mjdXMAAHqMw//G+cafgnR1c3KDmr/vt5mR"
    },
    {
     "image": "66d2eda137a8723a3913f6a514a3dca7f41b00f6ed3c8ea7571e34a6ee638979",
     "peak": 2.7459044456481934,
     "values": "o7DH+vzXtMjhogC+mKPYvPH/yr3kAAC1iK/n1O7R2KbdqwDUiqTb2uPqqp2y5OfBjqGyz9WoaH2Ym5WShYGbp6mScXlqiYSOkH15gaSJeXV1cACLhYKErd3KnYKDeYNyhH2Ez8rXyZ+EeXmAfHieyaIA4dOBhneOgHuY4qud0+Sgd36hh4uAqc7DxoqYgoqG"
    },
    {
     "image": "d40003747db8f6e1a7c3e2845b965fec7386a08456df5d83d6b43d52b469eedb",
     "peak": 2.870037794113159,
     "values": "lp2hmIuTkJyrvLiehpGGbAAAAHqb29eNqMq6kIQAAJXcAKnV++Dt06J1AKbqAADl4NTW5dB4ha3PANz1qOPRx7WGl5/O/+2yl6Kbm53G4MKrqpaXcXIAeLDJy8DNgnF7dWYAgsS4t9fGdnp/eQAAcrXa1MrHe3h/en11gJW43dCTinyDe4N7e5Sjno6AgIR/"
    },
    {
     "image": "78663430e50778800f92214a87f6e29f5397cdbcfebf8e8690578d324e94f092",
     "peak": 3.2707326412200928,
     "values": "d4SHg4OAkX6AlIyJagBpAABdam1rAGhvaWkAAABne4qLbm1vZG8AAG6NycCfsH59bwAAYojHAAB1wLOHZIFwiLLXAAAAe7+KfqbPy9rygY+itaqBmLeRup3/5Y2905hxvpu/vOCw5cCtn31vw5HLt8uQspZ4bmdlxIjHx8eokn0AZQBul8WFe5+fdGpnAGps"
    }
   ]
  },
  {
   "name": "dla",
   "top": 3.405691146850586,
   "examples": [
    {
     "image": "8c00617c9ba50b63ddaff4cd36b77fb5d90c6a671b23903e8b8c4020b44b6d4f",
     "peak": 2.9911370277404785,
     "values": "1dDEtqWtzN/kyY4A19bVyre3zNvky5J12+T289rMytLk0Jh81+X//+TPwsXaypd+ztnv7dXBsbPGuY54s8He49K9AJ+qooZ3h57L4NzGnYiHhH99cYq92NvJpIl5AHYAcIezywAAuaGAAAAAcoWswgAAuqJ9AGcAdYaovsjAp4xwZW1wdoamvMi+nYFpAG92"
    },
    {
     "image": "d40003747db8f6e1a7c3e2845b965fec7386a08456df5d83d6b43d52b469eedb",
     "peak": 2.7210025787353516,
     "values": "nJiRf2Nlg6nX6uPgtLCpmH15jqzS5ujo49/Zya+jpbHI3fD69/f26My6sLfOAAAA8PX/9NS+sL3k8ePd09fh3s/Btb/d4Me6np2bpbzFwL27r5iNhoN+j7bFvbWvnoN1iYmKm73Dram3rIYAkJCQnrq+qqe1q4h3m5eQl6u1tbCnm4qCoZuQk6SxurSgk4uH"
    },
    {
     "image": "b7bac543f1770a9e7e3d65110fb519be333e1203eb736029b8054798fce483e6",
     "peak": 3.010862112045288,
     "values": "5uXky5uHj5qoutDb3t3axZ+Lipi1y9vjzsvGuaWSgJXP7vHyuLWvppuLdo7U9fLxn5uTioB2bIXC4N/ek5CLfmphYXeiuLi5lpaVgQAAAABye36Apamwn3ZhAAAAXmJkwcrc2MCjgWsAAGRm0Nz0+OXCj3AAAGVn0d/7/eW/im1nZWZn0uH+/+S9iGxoZmdn"
    },
    {
     "image": "7b27d6cc87cb41c40c6673d742dcfa818a2e383372bff7a512d069cf6a74bb3e",
     "peak": 2.806844711303711,
     "values": "rLfO2drUybigkYqHsLvS3dzY0cKrmIiBucTa5OHg4dbApYV1wMjY5O3t5dnIrIVyx8jL3f//3srDrYp4v7+/0vn93se6pYh6qq20xN3o5NCuk4F4nJ6irLvHz8Oji3pylJCJipOanp6ajHQAjId8eXt+gYaPiAAAhoN7dnNzeHyAfXFsg4B7AG9uc3d5eHJv"
    },
    {
     "image": "7d218099e8db837603f4389aaef5f2d1b1de5dc21449be18904d040138730d50",
     "peak": 2.6781466007232666,
     "values": "i5KgoZeds7qyrq+vkZWcm5KatL64uL3AnpuVj4mWtsXDytrio56UjoubvdAAAO30op+Ylpiox93pAPX3oKGkqbG9zdvn6+bjnaW2xtbYzcnOy7+5oa/L4vTu0r+2q5yVrL/k/gAA3b2gi354rsHn/wD60KyLeQAAqLbT5u/crYx4AAAApLHJ2uLNnHxuAACP"
    },
    {
     "image": "81ca1b85a61837e000d5176dcc9aae5d4aa41de86bb74804e6d3f729a3363bd8",
     "peak": 2.374556541442871,
     "values": "uLChter65NTKva2lsaugsuPw2c/Rxa2go6GcrdPbxMXd1a2YnpyXobnBuL/WzaOOoZuQjpaitLy7rZGDvrWkl4+ausW8rpuR9+vSuqOoydra0cC3/fLdxKet1e317tnP0c3FtJqo3v8AAOXWysnGtpik2/4AAN3L6ObhyqChzen16MGu9/Tv1KSfxd7p27Of"
    },
    {
     "image": "78663430e50778800f92214a87f6e29f5397cdbcfebf8e8690578d324e94f092",
     "peak": 2.3737218379974365,
     "values": "pqmvq56Lc3SMjnhtp6Whn6Gel5yspYZ2qp6FiKfF4O3s06GJs6WKkbnZ8frz3ruqwLuwudfdzMPCx9PZ09PT2ePbwLMAxd/s6u718ODUzMvS2N7h7vL79d7X3t7WzL+53+Hn5t7j9evEoYN03N3e4ebq7tmtiWwA5ePg5/fsx6mRgXoA6ufi6v/ttJEAAIGD"
    },
    {
     "image": "852f44d9c926bea2bbbdceb08973f0ca4ead4de7c4fb4e3f2985764930308e27",
     "peak": 2.8312604427337646,
     "values": "h5a0yNPKr7Ta8fn9iZq7z9XKq7Le9vr9jaHJ3NvIpK3k//79jZ/C1NfFoaPN5e7yipOmuMnBoZOXqcrbe4KSpLq+sJx/gJ2rYW2Emau9z7yHamViAAB+mK/G3suQZwAAAACBpMbZ3ciaeWcAAF16nMLTz7eMc2wAVlxogKO0sphmAGNqWVtfcpSlpIkAAABr"
    },
    {
     "image": "2579ff7b945e2c23664a3ffbde882cfd7655e378ba635b5433404a302e92bd85",
     "peak": 2.4231314659118652,
     "values": "jpSisL24oZicnp+gkJOaqb6/rKCcnaGklZKLmr/MwbGdmaWrmpiSpMze2cammqKmoKWwxeb19OC4oJmVo67E2e77/+zApZuWpbPO3+bu+uq/qaqroLHU5ubr9OS5p62vk6nV7fHy79mwnqKlkqTH3unn2MKllI6MnKGsvNDMsaCYiHBkoaCfqsO/nY6RgmEA"
    }
   ]
  },
  {
   "name": "resnet",
   "top": 4.371975421905518,
   "examples": [
    {
     "image": "01501c2efced2ed6979fa86162ed9964b97ac18ca30c7240c4e83fedf8b4907c",
     "peak": 3.2492151260375977,
     "values": "vr7GxXt6cXp4iIJpjQAAtXJ+bXlwcWJnv7a5p3OPd5N8hYSBt8W4rXuIbJB8kZF+k4yDcnSCc3t8h3dwgG9zZXRtiKzi2byNf1hlZYNunZwAyP/BgHRuZ41pe5PBAMCrhYWMsc/CnWy5xL6lY3KKsbbZsgCWAJNme4umu6fBsnuQgoV1ZnOOyta2t56gaYda"
    },
    {
     "image": "b7bac543f1770a9e7e3d65110fb519be333e1203eb736029b8054798fce483e6",
     "peak": 2.9600048065185547,
     "values": "pLfDi31zfXOKnI9rvtTo1smEjI64srKfsb3dxJ6Snb38zvLdtN7TxMKVkr31AN3Ha4ycj5h9e5rp++7RYmqAfZN6aXOgpampaWyof5WKenWJhZemZIu4rKx2gGFpV3OHeanJ2f+YeW9gZHJ2WbC0svKdeWdiAG1xbq3e1dCdjnVoWnF4YJu9rLWYmHldVmtq"
    },
    {
     "image": "8c00617c9ba50b63ddaff4cd36b77fb5d90c6a671b23903e8b8c4020b44b6d4f",
     "peak": 3.411952257156372,
     "values": "YHh7cnF/iHXDfGdcgKzR1aOfAADGmgBXp6bG18KsAACYrHRuoADn7qqgAAC5loV7ocn/+aAArrSFZ3N0cJaisXsAdgBwZXBnYHt+p66Me2ZvblNYAHGdrLO+oWZiUlRbVW+ylgC3s350UmFiX2mdpc8AlmprAFxkaAB7pLqihm91VWJtW2mAmZWNi3JwU2Nh"
    },
    {
     "image": "484a0f4418edee10cd33f6e358cea01244143a306437f1600e69ff80f0ca3610",
     "peak": 3.1951396465301514,
     "values": "a2Rra2BjhX5saH51dnJucWp6q5mGAABvlKWMXoDOwav3iXF8mYSkxbzkAAD3AIKRkIgAsKrO8P/ilY6FpZOruoCquKaijnp/oQB9fHd7doGCcl51iYVtZWZiaqGwpXJ2dm9nZmuAyLizy8GQAABbAE1izpcA76KKYF5lX2YAn/Lc46KNY1ldYXFfY7y9oYaH"
    },
    {
     "image": "66d2eda137a8723a3913f6a514a3dca7f41b00f6ed3c8ea7571e34a6ee638979",
     "peak": 3.1173384189605713,
     "values": "d3S/2ezGkomuAACcbHnXyPHguqQAAAChXoXT5P/ioZu3rby0bGjEuOTZh22LlpijaQB0jKWVjHBzcYCQVlJgbop7g2BgAHaOcmZkh7u4jnhsUHKHYWdto5uojHdpYmVua26GwYeyu2t5bWx0Vme3wwAA2p16YWhzalyi0ZuXzol1XmNoZ1FtpMC+rp99ZwBU"
    },
    {
     "image": "7b6a026d1427b94752b0deee2d95bff8dc6d63b75905435a08dbb5c1093319a2",
     "peak": 3.0530664920806885,
     "values": "amBpZHZqZABzcnVsdn92c3p0bGJ3cHByhJamjIaPjXyZk4CHprzDrnqLoIeqpX5xzdLE1LiAjaTFp9OyysAAyL6TmM+9w9W6xb4A1LyPj7jR/+S1mce/lIdzbXKTlqyni5CEdXhna2qBfJGfbgAAZW5fWVtYAHONZ2Zwc3hsbW9pZnKGZGl9fnpwd2x3cHJq"
    },
    {
     "image": "852f44d9c926bea2bbbdceb08973f0ca4ead4de7c4fb4e3f2985764930308e27",
     "peak": 3.0522496700286865,
     "values": "bnKdlLKSfW+lra2wZ5PAlsmxoLPFzb7LbLS6mrbOusXDubS9j6XB3ta+o6LM/825b3WEmK2glHCWtZehYABdfK+mlmttAHmQAFt8lsyk4611AIN8YWh5nKkA0MV2XnJyX2B2rtEAyauLaGZqAABdarrLwo15b1tYYmRWXYl2aHBuAFpdAABVZYaBgH1rTFtc"
    },
    {
     "image": "ca7045a50c5b392d7d98ab113a1d6ce5417d69d6bece16aca95f30881cda2996",
     "peak": 2.7919719219207764,
     "values": "hMPRvp9/n5SefneDusCp4/Su0t7ry6Ka5AAAAPK48dHj8sPA3gAAAO651vb53biyv+4A/8W/w7vFl7HIAKPGs56gk3SDao6VgJOHhpaZgW13apCYgn6Crtq5gXRtXYGIi4bFqr/cq3twYYCAfYCoAAAA0oJrVXl/fW+rAAC1r4B0WXF2dWujowDXo495YXBs"
    },
    {
     "image": "cb846283ecacc99d897724c9e5c1fba8998ee5b40bf847d0fb9dc97bf65e9e85",
     "peak": 2.7569804191589355,
     "values": "xr270ouCgX19aXR1yAAA1JGDhXFoAABrxwDp1Jp+endzb3OAwsW1qYtvb3SDewB8mpKNkIVtptHoloJ/hXuDkIyZ6LvF2qWbeKOfh3/A3czl37SVnrOulom/7t/Uu7Gp07Pd7rOPt5SYi4x8wQAA+KN/i3GBand5rub/6qeDgWZwAG9xj6u9qJeGi2h8cHdd"
    }
   ]
  },
  {
   "name": "grey",
   "top": 2.57306170463562,
   "examples": [
    {
     "image": "4074ec47f768112c802f8f7a272731100b38214231399b9b72a079dd97ab64ca",
     "peak": 1.8376792669296265,
     "values": "AADRALwAALS5wwAAAOkAAMuwAL4AAAAAAAAAAAAAAMgAAACdAP8AAAAAAMnEAAAAy8MAAMsAAMLNAAAAysynALQAAADOAMa/ALcAzKgAAAAAuri7AAC8AMEAuegAAADKAMHLAM8A16nKAAAAtwDSALsAyQAAAAAAALe3ANkAywAAAAAAAAAAwda8tAAAALUA"
    },
    {
     "image": "f306df612d2cda1744e4b0f24a048422b0e4db2d9a7eb1d1dd1545d8ea5c1e36",
     "peak": 1.8846174478530884,
     "values": "AAAAAACjqADGvwAAzgC/yQAAAAD/ALEAANIA2ADBAAAAygAAAADJxL0A9wDoALYAAADB1QAAAADkwQAAAAAAAAAAqrDKAAAAAAAAAAAAqQCuAAAAzwDHAACyAAC+AAAAwcwA1gAAAAC+AAAAttsAAAAAAKjIzQAArMQAAAAAAAAA1gAArLW+AAAAAAAAAAC+"
    },
    {
     "image": "3bac26d39fc5aec3e4cf69b6a83c394bb6c2bda5264ad62b74e8a2c8597bbdb0",
     "peak": 1.8037266731262207,
     "values": "xQAAAAAAAL7GAL/XAAAAAAAAAMwAAAAAAAAAAAAAAMwA/wAAAAAAAL0AygAAAADTxQDWsgAAAMkAAADKAAAAvs0AwgDV2gCzwAAAAAAAAADMvs2/yeIAAAC5AAAAAAAAAM0AAMgAt7TAAAAAssEAAAAAAACmrwAAAAC7AADlAAC8ALUAAAAAxsDjANTCtgAA"
    },
    {
     "image": "dc4ae3266fca36a1c688ecf48fb369251b574dd485a4c2e5495965ea40224ea6",
     "peak": 1.802385926246643,
     "values": "AAAAAAAAAMa0vAAAAAAAAAAAAADIAAAAAAAAAAAAAOAAAK2tAAAAAADN1scAAAAAAAAAAAAAtfz/AADEAAAAAKbBtuD1AAC/AAAAzAAAALrOwgC7zAAAAAC3xAAAwLwA5NkAAAAA5gAAAAC4AMnUAAAAAMgAAAAA19LhAAC7wwC5AACwAMIAzMbEAAAAAAAA"
    },
    {
     "image": "02f59eeab66d865fffaa371b865fb833770a8b4eff72038a61713821fbb4a77f",
     "peak": 1.9492236375808716,
     "values": "srjOyqYAAAAArgAArAAAALMAAAAAAAAAtqzfAMkAAADLAAAAx8PeAACxAAAAAL4AvQDVvACwAAAAzgAAw7i8tgAAAAAAubi6AMYAAAAAALysAMWmAAAAAAAAAMIAAAAAAAAAAAAAwwAAAAAAAAAAygAAAAD/AAAAAAAAAAAAALTE3gDLAAAAAAAAALe90wAA"
    },
    {
     "image": "a315e313c94523b3718516349395cddc63635a2b6ab025ba593fc50ca14bc56c",
     "peak": 1.6344302892684937,
     "values": "0Njv99oA+dDu2gDm4wAAAO/jAN/ZAAAA1uAAAADh1wDn8AAA2QAAAAAAAADgAADqAOQAAAAAAAAA/+zoAAAAtcIAAAAAAAAAAADlAAAA8gAAAAAAAAAAAAAAAMUAAAAAAADuAAAAAMsAAAAAAN7YAAAAAMkAAN8AAAAA7gDlAAAAAAAAAOIA49jhxwAAAAAA"
    },
    {
     "image": "4f68b56637802fcee7d084e958105632b45c5b7560205171d697933ee8982541",
     "peak": 1.6537292003631592,
     "values": "AAAAAAAA17jez860AAAA4QDe2bfmAP/hAAAA4wDL3uUAAAAAAAAA3gDc2O8AAO/cAAAAy9YA6tPzAOvNAAAAAAAAAADf2AAA0wAA5AAAAADazQAAAAAAAAAAAADeAAAAAAAA5NkAANYAAAAAAOMAAAAAAAAAAAAAAAAA3AAA2gAAAADpAAAA3AAAAAAAAADN"
    },
    {
     "image": "75e0001f14dc6b3342b4c94d95cf5fbe46aaa3d8519dd8836e6129d119e04ef1",
     "peak": 1.6516445875167847,
     "values": "0dQAAAAAAAAAAAAAAAAAAAAAAAAAAADoAAAAAAAAAADcAAAA2AAAAADoAAAAAAAAAAAAAAAA3QAAAOXJAAAA7QAAxgAAAADXAMwAANbbzAAAAAAA4QAAANXNAADF2Nnc0OTxAADP69UA0gAA6OgAAADAAAAAAAAAvgDi5f/mAADv+gAAxwDf4+XPAAAAAAAA"
    },
    {
     "image": "d11492b4a55f0a3dd9bc6683b0a4d96d3fa022e712bec1598fe73b887af9d799",
     "peak": 1.7283598184585571,
     "values": "ANHC4LirAAAAAAAAAL/AAAAAAN4AAAAAxNAA6NzIAAAAAAAAAAAAANMAAADUAMwA1gAAAOrNAAAA2NAAAAC/AAAAAAAA38oAAMYA4uHNAAAA5/m/AAAAAAAAv8EAANDeAAAAAAAAAM0A6ADNAAAA4gAAygD/3M7cAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    }
   ]
  }
 ]
});
